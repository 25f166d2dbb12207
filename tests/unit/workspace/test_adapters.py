"""The edges of the workspace: mails written and handed over, hashes, tokens, mail reports."""

from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from kernel.mail_delivery import MailNews
from kernel.mailing import MailResult
from kernel.sensitive import Email, Secret
from tests.unit.workspace.conftest import Desk
from toolkit.aws.mail import MailService
from toolkit.passwords import Argon2Passwords
from toolkit.tokens import RandomTokens, digest
from workspace.adapters.ses_mailer import SesMailer
from workspace.application.record_mail_event import mail_report
from workspace.domain.message import Message, MessageKind

MESSAGE = "01KT16JKM00000000000000001"
TENANT = "01KT16JKM00000000000000002"
LINK = "https://kopru.example/invitations/token"
LANGUAGES = ("tr", "el", "en")


class Service:
    """SES as one method: notes the request, and answers or fails as told."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault
        self.requests: list[dict[str, Any]] = []

    def send_email(self, **request: Any) -> dict[str, str]:
        self.requests.append(request)
        if self.fault is not None:
            raise self.fault
        return {"MessageId": "ses-1"}


def _mailer(desk: Desk, service: Service) -> SesMailer:
    sender = "Köprü <noreply@kopru.example>"
    return SesMailer(MailService(lambda: service, sender, "kopru-mail"), desk.app.renderer)


def _message(
    kind: MessageKind = MessageKind.INVITATION, language: str = "tr", tenant_id: str = TENANT
) -> Message:
    params = {
        "provider_code": "agesa",
        "why": "support_requested",
        "hours": "2",
        "until": "2026-06-02T09:00:00Z",
        "zone": "Europe/Istanbul",
    }
    return Message(MESSAGE, tenant_id, kind, "person", language, params)


def _send(desk: Desk, service: Service, message: Message, company: str = "Yıldız Ltd") -> Any:
    return _mailer(desk, service).send(
        message, to=Email("ayse@kopru.example"), name="Ayşe", company=company, link=LINK, code=""
    )


# ---------------------------------------------------------------------------- handing a mail over


def test_a_mail_is_simple_content_with_its_tags(desk: Desk) -> None:
    service = Service()
    outcome = _send(desk, service, _message())
    assert (outcome.result, outcome.provider_id) == (MailResult.TAKEN, "ses-1")
    (request,) = service.requests
    assert request["FromEmailAddress"] == "Köprü <noreply@kopru.example>"
    assert request["Destination"] == {"ToAddresses": ["ayse@kopru.example"]}
    assert request["ConfigurationSetName"] == "kopru-mail"
    assert request["EmailTags"] == [
        {"Name": "kopru-message", "Value": MESSAGE},
        {"Name": "kopru-tenant", "Value": TENANT},
    ]
    assert set(request["Content"]) == {"Simple"}
    body = request["Content"]["Simple"]["Body"]
    assert set(body) == {"Text", "Html"}
    assert LINK in body["Text"]["Data"]
    assert LINK in body["Html"]["Data"]


def test_a_mail_of_no_company_says_so_in_its_tag(desk: Desk) -> None:
    service = Service()
    _send(desk, service, _message(MessageKind.PASSWORD_RESET, tenant_id=""), company="")
    assert service.requests[0]["EmailTags"][1] == {"Name": "kopru-tenant", "Value": "none"}


@pytest.mark.parametrize(
    ("code", "status", "result"),
    [
        ("TooManyRequestsException", 429, MailResult.NOT_SENT),
        ("ThrottlingException", 400, MailResult.NOT_SENT),
        ("AccessDeniedException", 403, MailResult.NOT_SENT),
        ("SendingPausedException", 400, MailResult.NOT_SENT),
        ("MessageRejected", 400, MailResult.REFUSED),
        ("BadRequestException", 400, MailResult.REFUSED),
        ("InternalFailure", 500, MailResult.UNKNOWN),
        ("TooManyRequestsException", 503, MailResult.UNKNOWN),
        ("SomethingNew", 400, MailResult.UNKNOWN),
        ("", 0, MailResult.UNKNOWN),
    ],
)
def test_what_an_error_of_the_service_means(
    desk: Desk, code: str, status: int, result: MailResult
) -> None:
    response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    service = Service(ClientError(response, "SendEmail"))
    outcome = _send(desk, service, _message())
    assert (outcome.result, outcome.code) == (result, code)
    assert len(service.requests) == 1, "one attempt, never a blind second one"


@pytest.mark.parametrize(
    ("fault", "result"),
    [
        (EndpointConnectionError(endpoint_url="https://mail"), MailResult.NOT_SENT),
        (ConnectTimeoutError(endpoint_url="https://mail"), MailResult.NOT_SENT),
        (NoCredentialsError(), MailResult.NOT_SENT),
        (ReadTimeoutError(endpoint_url="https://mail"), MailResult.UNKNOWN),
        (ConnectionClosedError(endpoint_url="https://mail"), MailResult.UNKNOWN),
        (BotoCoreError(), MailResult.UNKNOWN),
    ],
)
def test_what_a_broken_connection_means(desk: Desk, fault: Exception, result: MailResult) -> None:
    outcome = _send(desk, Service(fault), _message())
    assert (outcome.result, outcome.code) == (result, type(fault).__name__)


# ---------------------------------------------------------------------------- writing a mail


@pytest.mark.parametrize("kind", list(MessageKind))
def test_a_letter_differs_in_every_language_and_names_its_link(
    desk: Desk, kind: MessageKind
) -> None:
    mailer = _mailer(desk, Service())
    mails = [
        mailer.write(_message(kind, language), name="Ayşe", company="Yıldız Ltd", link=LINK)
        for language in LANGUAGES
    ]
    assert len({mail.subject for mail in mails}) == 3
    assert len({mail.text for mail in mails}) == 3
    for mail, language in zip(mails, LANGUAGES, strict=True):
        assert LINK in mail.text
        assert f'lang="{language}"' in mail.html
        assert "%(" not in mail.subject + mail.text + mail.html


def test_a_name_is_text_in_the_page(desk: Desk) -> None:
    service = Service()
    _send(desk, service, _message(), company="Evil <script>alert(1)</script>")
    assert "<script>" not in service.requests[0]["Content"]["Simple"]["Body"]["Html"]["Data"]


def test_a_name_with_a_line_break_is_never_a_header(desk: Desk) -> None:
    service = Service()
    with pytest.raises(ValueError, match="one printable line"):
        _send(desk, service, _message(), company="Evil\r\nBcc: x@kopru.example")
    assert service.requests == []


def test_a_long_company_name_is_cut_in_the_subject_only(desk: Desk) -> None:
    service = Service()
    company = "Y" * 150
    _send(desk, service, _message(), company=company)
    content = service.requests[0]["Content"]["Simple"]
    assert "Y" * 59 + "…" in content["Subject"]["Data"]
    assert company not in content["Subject"]["Data"]


# ---------------------------------------------------------------------------- passwords and tokens


def test_a_password_has_its_own_salt_and_only_fits_itself() -> None:
    passwords = Argon2Passwords(memory_kib=64)
    first, second = (passwords.hash(Secret("kestane ormanda yürüyor")) for _ in range(2))
    assert first != second
    assert first.startswith("$argon2id$")
    assert passwords.verify(first, Secret("kestane ormanda yürüyor"))
    assert not passwords.verify(first, Secret("kestane ormanda yürüyor "))
    assert not passwords.verify("not a hash", Secret("kestane ormanda yürüyor"))


def test_nobody_has_no_password_that_fits() -> None:
    passwords = Argon2Passwords(memory_kib=64)
    assert not passwords.verify(None, Secret("kestane ormanda yürüyor"))
    assert not passwords.verify(None, Secret("nobody's password"))


def test_a_hash_of_weaker_settings_is_outdated() -> None:
    weak, strong = Argon2Passwords(memory_kib=64), Argon2Passwords(memory_kib=128)
    made = weak.hash(Secret("kestane ormanda yürüyor"))
    assert not weak.is_outdated(made)
    assert strong.is_outdated(made)


def test_a_token_has_256_bits_and_is_stored_as_a_hash() -> None:
    token = RandomTokens(lambda count: bytes(range(count))).new().reveal("test")
    assert token == "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
    assert len(digest(token)) == 64
    assert token not in digest(token)
    assert RandomTokens().new().reveal("a") != RandomTokens().new().reveal("b")


# ---------------------------------------------------------------------------- reports about mails


def _report(event_type: str, **more: Any) -> dict[str, Any]:
    tags = {"kopru-message": [MESSAGE], "kopru-tenant": [TENANT]}
    return {"eventType": event_type, "mail": {"messageId": "ses-1", "tags": tags}, **more}


@pytest.mark.parametrize(
    ("event_type", "news"),
    [
        ("Send", MailNews.SENT),
        ("Delivery", MailNews.DELIVERED),
        ("Open", MailNews.OPENED),
        ("Bounce", MailNews.BOUNCED),
        ("Complaint", MailNews.COMPLAINED),
        ("Reject", MailNews.REFUSED),
    ],
)
def test_reports_are_understood(event_type: str, news: MailNews) -> None:
    report = mail_report(_report(event_type))
    assert report is not None
    assert (report.news, report.tenant_id, report.mail_id) == (news, TENANT, MESSAGE)
    assert report.provider_id == "ses-1"


@pytest.mark.parametrize(("kind", "permanent"), [("Permanent", True), ("Transient", False)])
def test_only_a_bounce_for_good_is_permanent(kind: str, permanent: bool) -> None:
    report = mail_report(_report("Bounce", bounce={"bounceType": kind}))
    assert report is not None
    assert report.permanent is permanent


def test_a_mail_of_no_company_comes_back_without_one() -> None:
    detail = _report("Delivery")
    detail["mail"]["tags"]["kopru-tenant"] = ["none"]
    report = mail_report(detail)
    assert report is not None
    assert report.tenant_id == ""


@pytest.mark.parametrize(
    "detail",
    [
        {},
        {"eventType": "Delivery"},
        {"eventType": "Delivery", "mail": "text"},
        {"eventType": "Delivery", "mail": {"tags": {}}},
        {"eventType": "Delivery", "mail": {"tags": {"kopru-message": MESSAGE}}},
        {"eventType": "Delivery", "mail": {"tags": {"kopru-message": [MESSAGE]}}},
        _report("DeliveryDelay"),
        _report("Click"),
        _report(""),
    ],
)
def test_what_says_nothing_about_a_mail_of_ours_is_no_report(detail: dict[str, Any]) -> None:
    assert mail_report(detail) is None
