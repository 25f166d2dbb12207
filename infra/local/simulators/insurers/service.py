"""From the bytes of a request to the bytes of an answer, with misbehaviour in between."""

from __future__ import annotations

import gzip
import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from lxml import etree

from infra.local.simulators.insurers import soap
from infra.local.simulators.insurers.behaviour import Queue
from infra.local.simulators.insurers.book import Book
from infra.local.simulators.insurers.dialects import DIALECTS, DialectModule
from infra.local.simulators.insurers.insurer import Insurer, Now
from infra.local.simulators.insurers.messages import (
    Behaviour,
    Command,
    RefusedError,
    Result,
    Row,
)

_XML: Final = "text/xml; charset=utf-8"
_STRANGER: Final = "90000000038"  # synthetic, never part of any payroll
_MEGABYTE: Final = 1024 * 1024


@dataclass(slots=True)
class Answer:
    """One HTTP answer.

    Units: ``wait`` and ``drip`` are seconds before it and between its bytes. ``drop`` means that
    the connection ends instead.
    """

    status: int = 200
    body: bytes = b""
    content_type: str = _XML
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0.0
    drip: float = 0.0
    drop: bool = False


class Service:
    """One insurer as a web service."""

    def __init__(self, insurer: Insurer, book: Book, now: Now) -> None:
        self.insurer = insurer
        self.behaviours = Queue()
        self._book = book
        self._now = now
        self._dialect: DialectModule = DIALECTS[insurer.facts.dialect]
        self._contract = soap.contract(insurer.facts.dialect)
        self._previous: dict[str, bytes] = {}
        self._busy = 0
        self._busiest = 0
        self._lock = threading.Lock()

    @property
    def wsdl(self) -> bytes:
        """What the insurer publishes."""
        return self._contract.text

    @property
    def busiest(self) -> int:
        """Most calls it ever served at the same time."""
        return self._busiest

    def down(self) -> str | None:
        """How it is not reachable right now: refuse, unavailable or None."""
        outage = self.insurer.setting("down")
        if outage is None or datetime.fromisoformat(outage["until"]) <= self._now():
            return None
        return str(outage["mode"])

    def go_down(self, wish: dict[str, object]) -> None:
        """Be unreachable for a while.

        Raises: ValueError for a mode or a duration nobody knows.
        """
        mode = wish.get("mode", "refuse")
        if mode not in ("refuse", "unavailable"):
            raise ValueError("mode is refuse or unavailable")
        if "until" in wish:
            until = datetime.fromisoformat(str(wish["until"]).replace("Z", "+00:00"))
        else:
            spans = {k: float(str(wish[k])) for k in ("hours", "minutes", "seconds") if k in wish}
            if not spans:
                raise ValueError("down needs hours, minutes, seconds or until")
            until = self._now() + timedelta(**spans)
        self.insurer.set(down={"mode": mode, "until": until.astimezone(UTC).isoformat()})

    def handle(self, raw: bytes) -> Answer:
        """Answer one request."""
        with self._lock:
            self._busy += 1
            self._busiest = max(self._busiest, self._busy)
        try:
            if self.down() is not None:
                return Answer(503, b"<html><body>Bakim</body></html>", "text/html")
            return self._serve(raw)
        finally:
            with self._lock:
                self._busy -= 1

    def _serve(self, raw: bytes) -> Answer:
        prefix = self.insurer.facts.code_prefix
        try:
            with self._lock:  # a schema validates one document at a time
                request = soap.read_request(
                    raw, self._dialect.NAMESPACE, self._dialect.ENVELOPE, self._contract.schema
                )
        except soap.NotSoapError:
            self._book.count(self.insurer.facts.code, "call:unreadable")
            return self._refusal(None, "invalid")
        command = self._dialect.read(request)
        self._book.count(self.insurer.facts.code, f"call:{command.operation}")
        behaviour = self.behaviours.take(command.operation) or {"kind": ""}
        early = self._before(command, behaviour)
        if early is not None:
            return early
        try:
            result = self.insurer.process(self._reduced(command, behaviour))
        except RefusedError as refused:
            return self._refusal(command, refused.reason)
        self._distort(command, result, behaviour)
        told = command
        if behaviour["kind"] == "wrong_contract":
            told = replace(command, contract_no=f"{command.contract_no}9")
        content = self._dialect.write(prefix, told, result)
        body = soap.wrap(self._dialect.ENVELOPE, content)
        if behaviour["kind"] == "stale":
            body = self._previous.get(command.wire_operation, body)
        else:
            self._previous[command.wire_operation] = body
        return self._after(Answer(200, body), behaviour)

    def _refusal(self, command: Command | None, reason: str, *, echo: bool = True) -> Answer:
        told = command
        if command is not None and not echo:
            told = replace(command, reference="")
        status, content = self._dialect.refuse(self.insurer.facts.code_prefix, told, reason)
        return Answer(status, soap.wrap(self._dialect.ENVELOPE, content))

    def _before(self, command: Command, behaviour: Behaviour) -> Answer | None:
        """Misbehaviour that prevents any effect."""
        kind = behaviour["kind"]
        if kind == "drop_request":
            return Answer(drop=True)
        if kind in ("fault", "silent_fault"):
            reason = str(behaviour.get("reason", "maintenance"))
            return self._refusal(command, reason, echo=kind == "fault")
        if kind == "wrong_password":
            refused = self.insurer.refuse_password(command.username)
            return self._refusal(command, refused.reason)
        if kind == "stall":
            return Answer(drop=True, wait=float(behaviour.get("seconds", 30)))
        return None

    def _reduced(self, command: Command, behaviour: Behaviour) -> Command:
        """``partial``: the last lines are refused, which must not look like an effect."""
        count = int(behaviour.get("reject", 0)) if behaviour["kind"] == "partial" else 0
        if behaviour["kind"] == "unknown_code":
            count = len(command.people) + len(command.payments)
        if not count:
            return command
        return replace(
            command,
            people=command.people[:-count] if command.people else (),
            payments=command.payments[:-count] if command.payments else (),
        )

    def _distort(self, command: Command, result: Result, behaviour: Behaviour) -> None:
        """Misbehaviour in what is said about the lines."""
        kind, rows = behaviour["kind"], result.rows
        if kind in ("partial", "unknown_code"):
            omit = int(behaviour.get("omit", 0))
            if omit:
                del rows[-omit:]
            reason = "system" if kind == "partial" else "Z77"
            kept = self._reduced(command, behaviour)
            for person in command.people[len(kept.people) :]:
                rows.append(Row(person.line_key, person.national_id, "rejected", reason=reason))
            for payment in command.payments[len(kept.payments) :]:
                rows.append(
                    Row(
                        payment.line_key,
                        payment.national_id,
                        "rejected",
                        reason=reason,
                        paid_on=payment.paid_on,
                        period=payment.period,
                    )
                )
        elif kind == "duplicate" and rows:
            rows.append(rows[0])
        elif kind == "contradict" and rows:
            rows.append(replace(rows[0], word="rejected", policy_no=None, reason="system"))
        elif kind == "unknown_person":
            rows.append(Row("no-such-line", _STRANGER, "accepted", "XX00000001", 100))
        elif kind == "other_order":
            rows.reverse()
        elif kind == "wrong_amount":
            by = int(behaviour.get("by", 1))
            rows[:] = [
                replace(row, amount=None if row.amount is None else row.amount + by) for row in rows
            ]
        elif kind == "wrong_policy":
            rows[:] = [replace(row, policy_no="XX00000002") for row in rows]
        elif kind == "wrong_reference":
            result.reference = f"{result.reference}-0"
        elif kind == "no_reference":
            result.reference = ""
        elif kind == "unknown_status":
            word = str(behaviour.get("word", "YENIDURUM"))
            rows[:] = [replace(row, word=word) for row in rows]
            result.standings[:] = [replace(row, standing=word) for row in result.standings]

    def _after(self, answer: Answer, behaviour: Behaviour) -> Answer:
        """Misbehaviour of the channel, after everything is done and said."""
        kind = behaviour["kind"]
        seconds = float(behaviour.get("seconds", 1))
        body = answer.body
        if kind == "slow":
            answer.wait = seconds
        elif kind == "drip":
            answer.drip = seconds
        elif kind == "lost_answer":
            answer.drop = True
        elif kind == "server_fault":
            fault = soap.fault(self._dialect.ENVELOPE, None, "internal error")
            return Answer(500, soap.wrap(self._dialect.ENVELOPE, fault))
        elif kind == "html_error":
            page = b"<html><head><title>502</title></head><body>Bad Gateway</body></html>"
            return Answer(int(behaviour.get("status", 502)), page, "text/html; charset=utf-8")
        elif kind in ("empty", "server_error"):
            usual = 202 if kind == "empty" else 503
            return Answer(int(behaviour.get("status", usual)), b"")
        elif kind == "garbage":
            answer.body = b"\x00\xff\xfe not an answer " * 20
        elif kind == "truncated":
            answer.body = body[: len(body) // 2]
        elif kind == "doctype":
            answer.body = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY y "z">]>' + _root(body)
        elif kind == "two_bodies":
            answer.body = _with_second_body(body, self._dialect.ENVELOPE)
        elif kind == "comment":
            answer.body = _with_comments(body)
        elif kind == "multipart":
            answer.content_type = 'multipart/related; boundary="b"; type="text/xml"'
            answer.body = b"--b\r\nContent-Type: text/xml\r\n\r\n" + body + b"\r\n--b--\r\n"
        elif kind == "oversized":
            answer.body = b"<x>" + b"a" * (6 * _MEGABYTE) + b"</x>"
        elif kind == "bomb":
            answer.body = gzip.compress(b"\0" * (64 * _MEGABYTE), compresslevel=1)
            answer.headers["Content-Encoding"] = "gzip"
        elif kind == "new_field":
            answer.body = _with_new_field(body)
        elif kind == "redirect":
            return Answer(307, b"", headers={"Location": "http://127.0.0.1:9/elsewhere"})
        elif kind == "cookie":
            answer.headers["Set-Cookie"] = "session=kept; Path=/"
        return answer


def _root(body: bytes) -> bytes:
    return etree.tostring(etree.fromstring(body))


def _with_second_body(body: bytes, envelope: str) -> bytes:
    root = etree.fromstring(body)
    first = root[0]
    root.append(etree.fromstring(etree.tostring(first)))
    assert first.tag == f"{{{envelope}}}Body"  # noqa: S101  (our own document)
    return etree.tostring(root)


def _with_comments(body: bytes) -> bytes:
    root = etree.fromstring(body)
    for node in list(root.iter()):
        if len(node) == 0 and node.text:
            half = len(node.text) // 2
            comment = etree.Comment(" x ")
            comment.tail = node.text[half:]
            node.text = node.text[:half]
            node.append(comment)
    return etree.tostring(root)


def _with_new_field(body: bytes) -> bytes:
    root = etree.fromstring(body)
    content = root[0][0]
    extra = etree.SubElement(content, f"{{{etree.QName(content).namespace}}}yeniAlan")
    extra.text = "1"
    return etree.tostring(root)
