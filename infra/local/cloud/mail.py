"""Every mail the product sends, kept instead of sent, and what SES would report about it.

A send is answered with a message id; a moment later, as from the real service, the events follow
on the default bus: sent, then delivered, or what a person (or a simulator address) makes of it.
"""

from __future__ import annotations

import base64
import json
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path
from typing import Final, Literal, Protocol

from infra.local.cloud.database import copy_database, open_database
from infra.local.cloud.model import ACCOUNT_ID, Json, Now

Outcome = Literal["delivery", "bounce", "soft_bounce", "complaint", "open", "click", "delay"]
"""What can become of a mail."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS mail (
  id INTEGER PRIMARY KEY, message_id TEXT UNIQUE, at TEXT NOT NULL, sender TEXT NOT NULL,
  recipients TEXT NOT NULL, subject TEXT NOT NULL, text TEXT NOT NULL, document TEXT NOT NULL,
  pending INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS mail_pending ON mail (pending) WHERE pending;
"""
_MAX_RECIPIENTS: Final = 50
_SIMULATOR: Final = "@simulator.amazonses.com"
_SIMULATED: Final[Mapping[str, Outcome]] = {
    "bounce": "bounce",
    "complaint": "complaint",
    "ooto": "delivery",
    "success": "delivery",
    "suppressionlist": "bounce",
}
_EVENTS: Final[Mapping[str, tuple[str, str]]] = {
    "send": ("Email Sent", "Send"),
    "delivery": ("Email Delivered", "Delivery"),
    "bounce": ("Email Bounced", "Bounce"),
    "complaint": ("Email Complaint Received", "Complaint"),
    "open": ("Email Opened", "Open"),
    "click": ("Email Clicked", "Click"),
    "deliverydelay": ("Email Delivery Delayed", "DeliveryDelay"),
}


class MailRefusedError(Exception):
    """SES would not take this mail."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Publish(Protocol):
    """How events reach the bus (:meth:`infra.local.cloud.bus.EventBus.publish`)."""

    def __call__(
        self,
        *,
        source: str,
        detail_type: str,
        detail: Mapping[str, Json],
        resources: Sequence[str],
        time: str,
    ) -> str:
        """Put one event on the default bus."""
        ...


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a mail."""

    filename: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """One captured mail. Shapes: ``at`` is an RFC 3339 instant; ``raw`` is what was sent."""

    id: int
    message_id: str
    at: str
    sender: str
    to: tuple[str, ...]
    cc: tuple[str, ...]
    bcc: tuple[str, ...]
    reply_to: tuple[str, ...]
    subject: str
    text: str
    html: str
    headers: tuple[tuple[str, str], ...]
    attachments: tuple[Attachment, ...]
    configuration_set: str
    tags: Mapping[str, str]
    raw: str

    @property
    def recipients(self) -> tuple[str, ...]:
        """Everybody it goes to."""
        return (*self.to, *self.cc, *self.bcc)


class MailStore:
    """All captured mails, newest first, and their simulated fate."""

    def __init__(self, path: Path, *, region: str, now: Now) -> None:
        self._region = region
        self._now = now
        self._lock = threading.RLock()
        self._database = open_database(path, _SCHEMA)
        self._publish: Publish | None = None
        self._event_types: Mapping[str, frozenset[str]] = {}
        self._wake = threading.Event()
        self._stopping = False
        self._postman: threading.Thread | None = None
        self.auto_deliver = True
        """Whether mails are reported as delivered by themselves."""
        self.delay_seconds = 0.3
        """How long after the send its events come."""

    # ------------------------------------------------------------------ life cycle

    def start(self, publish: Publish) -> None:
        """Start reporting; also what was sent, but not yet reported, before a restart."""
        self._publish = publish
        self._postman = threading.Thread(target=self._report_all, name="postman", daemon=True)
        self._postman.start()

    def stop(self) -> None:
        """Stop reporting and close the file."""
        self._stopping = True
        self._wake.set()
        if self._postman is not None:
            self._postman.join(timeout=5)
        with self._lock:
            self._database.close()

    def use_event_types(self, event_types: Mapping[str, Sequence[str]]) -> None:
        """Which events each configuration set publishes (as the template declares)."""
        self._event_types = {
            name: frozenset(kind.replace("_", "").lower() for kind in kinds)
            for name, kinds in event_types.items()
        }
        self._wake.set()

    def backup(self, target: Path) -> None:
        """Write a consistent copy to ``target``."""
        with self._lock:
            copy_database(self._database, target)

    # ------------------------------------------------------------------ sending

    def send(self, request: Mapping[str, Json]) -> str:
        """Take a mail as ``SendEmail`` of SES v2 describes it; returns its message id.

        Raises: MailRefusedError.
        """
        content = request.get("Content") or {}
        if "Raw" in content:
            draft = _from_raw(base64.b64decode(content["Raw"]["Data"]))
        elif "Simple" in content:
            draft = _from_simple(content["Simple"])
        else:
            raise MailRefusedError("BadRequestException", "Only raw and simple mails are emulated.")
        destination = request.get("Destination") or {}
        for field, member in (
            ("to", "ToAddresses"),
            ("cc", "CcAddresses"),
            ("bcc", "BccAddresses"),
        ):
            if member in destination:
                draft[field] = list(destination[member])
        draft["reply_to"] = list(request.get("ReplyToAddresses") or draft.get("reply_to") or ())
        draft["sender"] = request.get("FromEmailAddress") or draft.get("sender") or ""
        draft["configuration_set"] = request.get("ConfigurationSetName") or ""
        draft["tags"] = {tag["Name"]: tag["Value"] for tag in request.get("EmailTags") or ()}
        return self._keep(draft, json.dumps(request, ensure_ascii=False))

    def _keep(self, draft: dict[str, Json], raw: str) -> str:
        recipients = [*draft.get("to", ()), *draft.get("cc", ()), *draft.get("bcc", ())]
        if not 1 <= len(recipients) <= _MAX_RECIPIENTS:
            raise MailRefusedError("BadRequestException", "A mail has 1 to 50 recipients.")
        for address in (draft["sender"], *recipients):
            if "@" not in parseaddr(address)[1]:
                raise MailRefusedError("BadRequestException", f"Illegal address: {address!r}")
        known = self._event_types
        if draft["configuration_set"] and known and draft["configuration_set"] not in known:
            raise MailRefusedError(
                "NotFoundException", f"Configuration set {draft['configuration_set']} is unknown."
            )
        message_id = f"0100local-{uuid.uuid4()}-000000"
        draft["raw"] = raw
        with self._lock:
            self._database.execute(
                "INSERT INTO mail (message_id, at, sender, recipients, subject, text, document,"
                " pending) VALUES (?,?,?,?,?,?,?,1)",
                (
                    message_id,
                    _instant(self._now()),
                    draft["sender"],
                    " ".join(recipients),
                    draft.get("subject", ""),
                    draft.get("text", ""),
                    json.dumps(draft, ensure_ascii=False),
                ),
            )
        self._wake.set()
        return message_id

    # ------------------------------------------------------------------ reading

    def list(
        self, limit: int = 100, *, before_id: int | None = None, search: str = ""
    ) -> list[Mail]:
        """Mails, newest first, whose recipient, subject or text contains ``search``."""
        literal = search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        pattern = f"%{literal}%"
        with self._lock:
            rows = self._database.execute(
                "SELECT id, message_id, at, document FROM mail WHERE id < ?"
                " AND (recipients LIKE ? ESCAPE '\\' OR subject LIKE ? ESCAPE '\\'"
                " OR text LIKE ? ESCAPE '\\')"
                " ORDER BY id DESC LIMIT ?",
                (before_id or 2**62, pattern, pattern, pattern, limit),
            ).fetchall()
        return [_mail(row) for row in rows]

    def get(self, mail_id: int) -> Mail | None:
        """One mail, or None."""
        with self._lock:
            row = self._database.execute(
                "SELECT id, message_id, at, document FROM mail WHERE id=?", (mail_id,)
            ).fetchone()
        return None if row is None else _mail(row)

    def reported(self) -> bool:
        """Whether everything was reported that is reported by itself."""
        with self._lock:
            return self._database.execute("SELECT 1 FROM mail WHERE pending").fetchone() is None

    def count(self) -> int:
        """How many mails there are."""
        with self._lock:
            count: int = self._database.execute("SELECT count(*) FROM mail").fetchone()[0]
            return count

    # ------------------------------------------------------------------ what becomes of a mail

    def simulate(self, mail_id: int, outcome: Outcome) -> None:
        """Report an outcome on the bus, as SES would.

        Raises: LookupError for an unknown mail.
        """
        mail = self.get(mail_id)
        if mail is None:
            raise LookupError(f"There is no mail {mail_id}")
        kind = {"soft_bounce": "bounce", "delay": "deliverydelay"}.get(outcome, outcome)
        self._report(mail, kind, self._detail(mail, outcome))

    def _report_all(self) -> None:
        while not self._stopping:
            with self._lock:
                rows = self._database.execute(
                    "SELECT id, message_id, at, document FROM mail WHERE pending ORDER BY id"
                ).fetchall()
            if not rows:
                self._wake.wait()
                self._wake.clear()
                continue
            if self._wait_a_moment():
                return
            for row in rows:
                mail = _mail(row)
                self._report(mail, "send", {})
                outcome = _simulated(mail) or ("delivery" if self.auto_deliver else None)
                if outcome is not None:
                    self.simulate(mail.id, outcome)
                with self._lock:
                    self._database.execute("UPDATE mail SET pending=0 WHERE id=?", (mail.id,))

    def _wait_a_moment(self) -> bool:
        """Sleep for the delay; True when the store stops meanwhile."""
        for _ in range(max(1, round(self.delay_seconds / 0.05))):
            if self._stopping:
                return True
            threading.Event().wait(0.05)
        return self._stopping

    def _report(self, mail: Mail, kind: str, part: Mapping[str, Json]) -> None:
        wanted = self._event_types.get(mail.configuration_set, frozenset())
        if kind not in wanted or self._publish is None:
            return
        detail_type, event_type = _EVENTS[kind]
        now = self._now()
        member = event_type[0].lower() + event_type[1:]
        arn = f"arn:aws:ses:{self._region}:{ACCOUNT_ID}"
        self._publish(
            source="aws.ses",
            detail_type=detail_type,
            detail={
                "eventType": event_type,
                "mail": {
                    "timestamp": mail.at,
                    "source": mail.sender,
                    "sourceArn": f"{arn}:identity/{parseaddr(mail.sender)[1]}",
                    "sendingAccountId": ACCOUNT_ID,
                    "messageId": mail.message_id,
                    "destination": list(mail.recipients),
                    "headersTruncated": False,
                    "headers": [{"name": n, "value": v} for n, v in mail.headers],
                    "commonHeaders": {
                        "from": [mail.sender],
                        "to": list(mail.to),
                        "messageId": mail.message_id,
                        "subject": mail.subject,
                    },
                    "tags": {
                        "ses:configuration-set": [mail.configuration_set],
                        "ses:from-domain": [parseaddr(mail.sender)[1].rpartition("@")[2]],
                        **{name: [value] for name, value in mail.tags.items()},
                    },
                },
                member: part,
            },
            resources=[f"{arn}:configuration-set/{mail.configuration_set}"],
            time=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        )

    def _detail(self, mail: Mail, outcome: Outcome) -> dict[str, Json]:
        now = _instant(self._now())
        people = [parseaddr(address)[1] for address in mail.recipients]
        match outcome:
            case "delivery":
                return {
                    "timestamp": now,
                    "processingTimeMillis": 300,
                    "recipients": people,
                    "smtpResponse": "250 2.6.0 Message received",
                    "reportingMTA": "local.invalid",
                }
            case "bounce" | "soft_bounce":
                hard = outcome == "bounce"
                return {
                    "timestamp": now,
                    "bounceType": "Permanent" if hard else "Transient",
                    "bounceSubType": "General" if hard else "MailboxFull",
                    "bouncedRecipients": [
                        {
                            "emailAddress": address,
                            "action": "failed",
                            "status": "5.1.1" if hard else "4.2.2",
                            "diagnosticCode": "smtp; 550 5.1.1 user unknown"
                            if hard
                            else "smtp; 452 4.2.2 mailbox full",
                        }
                        for address in people
                    ],
                    "feedbackId": str(uuid.uuid4()),
                    "reportingMTA": "dsn; local.invalid",
                }
            case "complaint":
                return {
                    "timestamp": now,
                    "complainedRecipients": [{"emailAddress": address} for address in people],
                    "feedbackId": str(uuid.uuid4()),
                    "complaintFeedbackType": "abuse",
                    "complaintSubType": None,
                    "arrivalDate": now,
                }
            case "delay":
                return {
                    "timestamp": now,
                    "delayType": "TransientCommunicationFailure",
                    "expirationTime": now,
                    "delayedRecipients": [
                        {
                            "emailAddress": address,
                            "status": "4.4.1",
                            "diagnosticCode": "smtp; 421 4.4.1 Unable to connect to remote host",
                        }
                        for address in people
                    ],
                }
            case "open" | "click":
                seen = {"timestamp": now, "ipAddress": "192.0.2.1", "userAgent": "local"}
                return {**seen, "link": "", "linkTags": None} if outcome == "click" else seen


def _simulated(mail: Mail) -> Outcome | None:
    """What the simulator addresses of SES stand for."""
    for address in mail.recipients:
        local, _, domain = parseaddr(address)[1].partition("@")
        if f"@{domain}" == _SIMULATOR:
            return _SIMULATED.get(local.partition("+")[0])
    return None


def _from_simple(simple: Mapping[str, Json]) -> dict[str, Json]:
    body = simple.get("Body") or {}
    return {
        "subject": (simple.get("Subject") or {}).get("Data", ""),
        "text": (body.get("Text") or {}).get("Data", ""),
        "html": (body.get("Html") or {}).get("Data", ""),
        "headers": [[one["Name"], one["Value"]] for one in simple.get("Headers") or ()],
        "attachments": [
            [
                one["FileName"],
                one.get("ContentType") or "application/octet-stream",
                one["RawContent"],
            ]
            for one in simple.get("Attachments") or ()
        ],
    }


def _from_raw(data: bytes) -> dict[str, Json]:
    message = message_from_bytes(data, _class=EmailMessage, policy=policy.default)

    def addresses(header: str) -> list[str]:
        value = message[header]
        return [] if value is None else [str(one) for one in value.addresses]

    def part(kind: str) -> str:
        body = message.get_body((kind,))
        return "" if body is None else str(body.get_content())

    return {
        "sender": str(message["From"] or ""),
        "to": addresses("To"),
        "cc": addresses("Cc"),
        "bcc": addresses("Bcc"),
        "reply_to": addresses("Reply-To"),
        "subject": str(message["Subject"] or ""),
        "text": part("plain"),
        "html": part("html"),
        "headers": [[name, str(value)] for name, value in message.items()],
        "attachments": [
            [
                one.get_filename() or "",
                one.get_content_type(),
                base64.b64encode(one.get_payload(decode=True) or b"").decode("ascii"),  # type: ignore[arg-type]
            ]
            for one in message.iter_attachments()
        ],
    }


def _mail(row: tuple[int, str, str, str]) -> Mail:
    identifier, message_id, at, text = row
    document = json.loads(text)
    return Mail(
        id=identifier,
        message_id=message_id,
        at=at,
        sender=document["sender"],
        to=tuple(document.get("to", ())),
        cc=tuple(document.get("cc", ())),
        bcc=tuple(document.get("bcc", ())),
        reply_to=tuple(document.get("reply_to", ())),
        subject=document.get("subject", ""),
        text=document.get("text", ""),
        html=document.get("html", ""),
        headers=tuple((name, value) for name, value in document.get("headers", ())),
        attachments=tuple(
            Attachment(name, kind, base64.b64decode(content))
            for name, kind, content in document.get("attachments", ())
        ),
        configuration_set=document["configuration_set"],
        tags=document["tags"],
        raw=document["raw"],
    )


def _instant(now: datetime) -> str:
    return now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z"
