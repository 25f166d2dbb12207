"""Letters with their real handlers: a post office that answers as it is told, and short ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from kernel.mailing import MailOutcome, MailResult
from reconciliation.domain.letter import LetterMail
from reconciliation.ports import LetterPaper
from tests.support.events import queue_event
from tests.support.faults import SWITCHBOARD
from tests.support.lambda_context import LambdaContext
from tests.support.reconciliation_builders import api_entry
from tests.support.reconciliation_world import TENANT, ReconciliationWorld

PERIOD: Final = "2026-05"
"""The month before the clock of the tests."""
SETTINGS: Final[dict[str, Any]] = {
    "starts_day": 1,
    "ends_day": 10,
    "sender_name": "Kuzey Çelik Sanayi A.Ş.",
    "sender_tax_no": "1234567890",
    "sender_tax_office": "Şişli",
}
TEXT: Final[dict[str, Any]] = {
    "language": "tr",
    "subject": "{period} mutabakatı – {sender}",
    "opening": "{period} dönemi {their_form} bilgileriniz aşağıdadır.",
    "request": "Kayıtlarınızla karşılaştırıp bildiriniz.",
    "closing": "Hata ve unutma müstesnadır.",
}


@dataclass
class PostOffice:
    """``LetterMailer`` that notes what it was given and takes it, unless told otherwise.

    It never removes duplicates, as the real service; ``taken`` is its own log.
    """

    results: list[MailResult] = field(default_factory=list)
    taken: list[tuple[str, str]] = field(default_factory=list)
    papers: list[tuple[LetterMail, LetterPaper, bytes, str]] = field(default_factory=list)

    def send(
        self,
        tenant_id: str,
        mail: LetterMail,
        paper: LetterPaper,
        pdf: bytes,
        *,
        link: str,
        unsubscribe: str,
    ) -> MailOutcome:
        return SWITCHBOARD.on_port(
            "mail.send",
            lambda: self._take(mail, paper, pdf, link),
            lost=lambda _: MailOutcome(MailResult.UNKNOWN, code="lost"),
            refused=lambda: MailOutcome(MailResult.NOT_SENT, code="TooManyRequestsException"),
        )

    def _take(self, mail: LetterMail, paper: LetterPaper, pdf: bytes, link: str) -> MailOutcome:
        result = self.results.pop(0) if self.results else MailResult.TAKEN
        if result in (MailResult.TAKEN, MailResult.UNKNOWN):
            self.taken.append((mail.id, mail.to.reveal("log of a test")))
            self.papers.append((mail, paper, pdf, link))
        name = f"m-{len(self.taken)}" if result is MailResult.TAKEN else ""
        return MailOutcome(result, name, "" if result is MailResult.TAKEN else "Scripted")


@dataclass
class LettersDesk:
    """Short ways to do what people, schedules and the mail service do."""

    world: ReconciliationWorld
    post: PostOffice

    def __init__(self, world: ReconciliationWorld, *results: MailResult) -> None:
        self.world = world
        self.post = PostOffice(list(results))
        world.app.own_mailer = self.post
        world.app.__dict__.pop("mailer", None)

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Store the mailing settings."""
        now = self.world.call("GET", "/mailing-settings").json()["version"]
        answer = self.world.call(
            "PUT", "/mailing-settings", {**SETTINGS, **changes}, headers={"if-match": str(now)}
        )
        assert answer.status == 200, answer.body
        return dict(answer.json())

    def text(self, **changes: Any) -> dict[str, Any]:
        """Draft and release a letter text."""
        drafted = self.world.call("POST", "/letter-templates", {**TEXT, **changes})
        assert drafted.status == 201, drafted.body
        answer = self.world.call("POST", f"/letter-templates/{drafted.json()['id']}/approve")
        assert answer.status == 200, answer.body
        return dict(answer.json())

    def books(self, *codes: str, net: str = "6000.00", **changes: Any) -> None:
        """One paper invoice of the month for each account card: enough for the form."""
        for number, code in enumerate(codes):
            line: dict[str, Any] = {
                "document_no": f"{code}-{number}",
                "counterparty_code": code,
                "document_date": f"{PERIOD}-15",
                "direction": "sales",
                **changes,
            }
            self.world.record(api_entry(net=net, **line))

    def start(self, key: str = "run-1", **body: Any) -> Any:
        """Ask for a mailing by hand."""
        return self.world.call(
            "POST",
            f"/periods/{PERIOD}/mailings",
            {"all": True, **body} if "counterparty_ids" not in body else body,
            headers={"idempotency-key": key},
        )

    def mailed(self, key: str = "run-1", **body: Any) -> dict[str, Any]:
        """A mailing by hand, with everything that follows; gives the job as it ended."""
        answer = self.start(key, **body)
        assert answer.status == 202, answer.body
        self.work()
        return self.world.job(answer.json()["id"])

    def work(self) -> list[str]:
        """Let runs and mails go on until nothing waits; gives messages that must come again."""
        failed: list[str] = []
        busy = True
        while busy:
            busy = False
            for queue in ("reconciliation-mailing", "reconciliation-mail"):
                bodies = self.world.aws.messages(queue)
                busy = busy or bool(bodies)
                failed += self.handle(queue, bodies)
        return failed

    def handle(self, queue: str, bodies: Sequence[dict[str, Any]]) -> list[str]:
        """Give messages of one queue to its worker; gives those that must come again."""
        from reconciliation.handlers import run_mailing, send_mail

        module = run_mailing if queue == "reconciliation-mailing" else send_mail
        failed: list[str] = []
        for body in bodies:
            answer = module.handler(queue_event(body), LambdaContext(remaining_ms=60_000))
            failed += [queue for _ in answer["batchItemFailures"]]
        return failed

    def minute(self) -> None:
        """The schedule of a minute, and the work it asks for."""
        self.world.minute()
        self.work()

    def letters(self, query: str = "") -> list[dict[str, Any]]:
        """Letters of the month."""
        answer = self.world.call("GET", "/letters", query=f"period={PERIOD}&{query}")
        assert answer.status == 200, answer.body
        return list(answer.json()["items"])

    def mails(self, query: str = "") -> list[dict[str, Any]]:
        """The mail report of the month."""
        answer = self.world.call("GET", "/reports/mailings", query=f"period={PERIOD}&{query}")
        assert answer.status == 200, answer.body
        return list(answer.json()["items"])

    def report(self, mail_id: str, event: str, *, message_id: str = "m-1", **detail: Any) -> None:
        """One event of the mail service, as the bus brings it."""
        from reconciliation.handlers import mail_events

        tags = {"kopru-tenant": [TENANT], "kopru-letter-mail": [mail_id]}
        body = {
            "detail-type": "Email Event",
            "source": "aws.ses",
            "detail": {
                "eventType": event,
                "mail": {"messageId": message_id, "tags": tags},
                **detail,
            },
        }
        answer = mail_events.handler(queue_event(body), LambdaContext())
        assert answer == {"batchItemFailures": []}


def states(items: Sequence[dict[str, Any]]) -> list[str]:
    """What stands where, sorted."""
    return sorted(item["status"] for item in items)
