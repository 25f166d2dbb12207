"""The book of the simulated network and its answers, without any socket."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "slow": "does the work, then waits `seconds` before it answers",
        "lost_answer": "does the work, then drops the connection",
        "drop_request": "drops the connection before it does anything",
        "server_error": "does the work, then answers `status` (default 503) without a body",
        "garbage": "does the work, then answers bytes that are not JSON",
        "wrong_code": "answers a creation with another code",
        "with_qr": "answers a creation with the text of a QR picture, `text` or one of its own",
        "refuse": "refuses with `code` (INVALID_REQUEST, ORGANISATION_CLOSED, MAINTENANCE…)",
        "wrong_key": "treats the key as wrong",
        "truncated": "leaves the last `rows` (default 1) out of a list and says so;"
        " with `end`: first the first ones",
        "silently_truncated": "the same, and says nothing",
        "other_order": "lists in reverse order",
        "broken_row": "lists a payment without an amount",
    }
)
"""Every misbehaviour by its name; it waits for the next call of its `operation`."""

COMMANDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "kind": "queue one misbehaviour (see `kinds`)",
        "clear": "true: forget queued misbehaviour",
        "pay": "{rf or org, amount, currency?, bank?, payer?, booked_at?, with_id?,"
        " visible_after_seconds?, notify?: now|never|twice}: somebody pays; with org under a"
        " code of that organisation that nobody made",
        "reverse": "{payment_id, amount?, notify?}: the bank takes a payment back",
        "repeat": "{payment_id}: the list holds this payment twice from now on",
        "lose": "{payment_id}: the list loses this payment from now on",
        "down": "{hours|minutes|seconds}: not reachable until then", "up": "true: reachable again",
        "notify": "{url, secret}: where notifications go and what signs them",
        "send": "{rf, as: good|forged|replayed|old}: send one notification",
    }
)  # fmt: skip
"""Everything a script may contain."""

_OPERATIONS: Final = ("create", "cancel", "payments", "recent", "any")
_CODE: Final = re.compile(r"RF[0-9]{2}9[0-9]{20}")
_BANKS: Final = {
    "ETHNGRAA": "Εθνική Τράπεζα",
    "CRBAGRAA": "Alpha Bank",
    "PIRBGRAA": "Τράπεζα Πειραιώς",
    "ERBKGRAA": "Eurobank",
}


@dataclass(frozen=True)
class Answer:
    """What goes back: status, body, how long to wait before, or a dropped connection."""

    status: int
    body: bytes
    wait: float = 0.0
    drop: bool = False


@dataclass
class Network:
    """Codes made known, payments made, and what it will do wrong next."""

    path: Path | None
    now: Callable[[], datetime]
    state: dict[str, Any] = field(default_factory=dict)
    queued: list[dict[str, Any]] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        empty: dict[str, Any] = {"requests": {}, "payments": [], "down_until": None, "notify": None}
        if self.path is not None and self.path.is_file():
            empty |= json.loads(self.path.read_text(encoding="utf-8"))
        self.state = empty

    def save(self) -> None:
        """Keep the book."""
        if self.path is not None:
            text = json.dumps(self.state, ensure_ascii=False, indent=1)
            self.path.write_text(text, encoding="utf-8")

    # ------------------------------------------------------------------ what people do

    def pay(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Somebody pays; returns the payment as it will be listed."""
        # At the first use: the stack says by itself when the product is not on the path.
        from toolkit.calendars import calendar

        rf = str(wish["rf"]).replace(" ", "") if "rf" in wish else self._stray(str(wish["org"]))
        if _CODE.fullmatch(rf) is None:
            raise ValueError("rf is a payment code of 25 characters")
        booked = (
            datetime.fromisoformat(wish["booked_at"]) if "booked_at" in wish else self.now()
        ).astimezone(UTC)
        bank = str(wish.get("bank", "ETHNGRAA"))
        visible = self.now() + timedelta(seconds=int(wish.get("visible_after_seconds", 0)))
        with self.lock:
            number = len(self.state["payments"]) + 1
            payment = {
                "id": f"DP{number:010d}" if wish.get("with_id", True) else "",
                "rf": rf,
                "amount": str(wish["amount"]),
                "currency": str(wish.get("currency", "EUR")),
                # Money of the weekend and of both Easters arrives on the next day of TARGET.
                "value_date": calendar("XECB").following(booked.date()).isoformat(),
                "booked_at": booked.isoformat(),
                "bank": {"code": bank, "name": _BANKS.get(bank, "")},
                "payer": str(wish.get("payer", "Μαρία Δοκιμαστική")),
                "reversal_of": str(wish.get("reversal_of", "")),
                "key": f"P{number}",
                "visible_at": visible.astimezone(UTC).isoformat(),
                "times": 1,
            }
            self.state["payments"].append(payment)
            self.save()
        return payment

    def _stray(self, org: str) -> str:
        return _formed(org, f"4{len(self.state['payments']) + 1:014d}", None)

    def reverse(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """The bank takes a payment back."""
        original = self._find(str(wish["payment_id"]))
        return self.pay(
            {
                "rf": original["rf"],
                "amount": wish.get("amount", original["amount"]),
                "bank": original["bank"]["code"],
                "payer": original["payer"],
                "reversal_of": original["id"],
            }
        )

    def _find(self, payment_id: str) -> dict[str, Any]:
        for payment in self.state["payments"]:
            if payment["id"] == payment_id or payment["key"] == payment_id:
                found: dict[str, Any] = payment
                return found
        raise ValueError(f"there is no payment {payment_id}")

    def set_times(self, payment_id: str, times: int) -> None:
        """How often the list holds a payment."""
        with self.lock:
            self._find(payment_id)["times"] = times
            self.save()

    def queue(self, behaviour: Mapping[str, Any]) -> None:
        """Queue one misbehaviour; raises ValueError for one nobody knows."""
        if behaviour.get("kind") not in KINDS:
            raise ValueError(f"no such behaviour: {behaviour.get('kind')}")
        if behaviour.get("operation", "any") not in _OPERATIONS:
            raise ValueError(f"no such operation: {behaviour.get('operation')}")
        self.queued.append({"operation": "any", "times": 1, **behaviour})

    def _taken(self, operation: str) -> dict[str, Any] | None:
        for index, waiting in enumerate(self.queued):
            if waiting["operation"] in ("any", operation):
                taken = dict(waiting)
                waiting["times"] -= 1
                if waiting["times"] == 0:
                    del self.queued[index]
                return taken
        return None

    @property
    def is_down(self) -> bool:
        """Whether nobody answers now."""
        until = self.state["down_until"]
        return until is not None and self.now() < datetime.fromisoformat(until)

    # ------------------------------------------------------------------ what programs ask

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer one request."""
        parts = urlsplit(target)
        segments = [unquote(part) for part in parts.path.split("/") if part][-4:]
        key = headers.get("authorization", "").removeprefix("Bearer ")
        with self.lock:
            operation, work = self._route(method, segments, parse_qs(parts.query), body)
            self.calls[operation] = self.calls.get(operation, 0) + 1
            wrong = self._taken(operation)
            kind = (wrong or {}).get("kind", "")
            if kind == "drop_request":
                return Answer(0, b"", drop=True)
            if not key or key.startswith("wrong") or kind == "wrong_key":
                return _json(401, {"code": "UNAUTHORIZED"})
            if kind == "refuse":
                return _json(422, {"code": str((wrong or {}).get("code", "INVALID_REQUEST"))})
            status, found = work()
            self.save()
            return self._misbehave(wrong or {}, status, found)

    def _route(
        self, method: str, segments: list[str], query: Mapping[str, list[str]], body: bytes
    ) -> tuple[str, Callable[[], tuple[int, dict[str, Any]]]]:
        match [method, *segments]:
            case ["POST", *_, "requests"]:
                return "create", lambda: self._create(json.loads(body))
            case ["POST", *_, "requests", code, "cancel"]:
                return "cancel", lambda: self._cancel(code)
            case ["GET", *_, "requests", code, "payments"]:
                return "payments", lambda: self._payments(code)
            case ["GET", *_, "organisations", org, "payments"]:
                return "recent", lambda: self._recent(org, query.get("since", [""])[0])
        return "none", lambda: (404, {"code": "NO_SUCH_ROUTE"})

    def _create(self, wish: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        org, ident = str(wish["organisation"]), str(wish["identification"]).zfill(15)
        code = _formed(org, ident, wish.get("amount"))
        requests = self.state["requests"]
        if code in requests:
            return 409, {"code": "EXISTS", "rf": code, "request_id": requests[code]["id"]}
        identity = f"DR{len(requests) + 1:010d}"
        requests[code] = {"id": identity, "reference": wish.get("reference"), "state": "open"}
        return 201, {"rf": code, "request_id": identity}

    def _cancel(self, code: str) -> tuple[int, dict[str, Any]]:
        request = self.state["requests"].get(code)
        if request is None:
            return 404, {"code": "UNKNOWN_CODE"}
        if request["state"] == "cancelled":
            return 409, {"code": "ALREADY_CANCELLED", "rf": code}
        request["state"] = "cancelled"
        return 200, {"rf": code, "request_id": request["id"]}

    def _rows(self, chosen: Callable[[Mapping[str, Any]], bool]) -> list[dict[str, Any]]:
        now = self.now().astimezone(UTC).isoformat()
        rows = []
        for payment in self.state["payments"]:
            if chosen(payment) and payment["visible_at"] <= now:
                shown = {
                    name: value
                    for name, value in payment.items()
                    if name not in ("key", "visible_at", "times")
                }
                rows += [shown] * payment["times"]
        return rows

    def _payments(self, code: str) -> tuple[int, dict[str, Any]]:
        rows = self._rows(lambda payment: payment["rf"] == code)
        return 200, {"rf": code, "count": len(rows), "complete": True, "payments": rows}

    def _recent(self, org: str, since: str) -> tuple[int, dict[str, Any]]:
        start = datetime.fromisoformat(since)
        rows = self._rows(
            lambda payment: (
                payment["rf"][4:9] == org and datetime.fromisoformat(payment["visible_at"]) >= start
            )
        )
        return 200, {"count": len(rows), "complete": True, "payments": rows}

    @staticmethod
    def _misbehave(wrong: Mapping[str, Any], status: int, found: dict[str, Any]) -> Answer:
        kind = wrong.get("kind", "")
        if kind == "lost_answer":
            return Answer(0, b"", drop=True)
        if kind == "server_error":
            return Answer(int(wrong.get("status", 503)), b"")
        if kind == "garbage":
            return Answer(status, b"<html>\xff")
        if kind == "wrong_code" and "rf" in found:
            found = {**found, "rf": found["rf"][:-1] + str((int(found["rf"][-1]) + 1) % 10)}
        if kind == "with_qr" and "rf" in found:
            found = {**found, "qr": str(wrong.get("text", f"DIASQR/{found['rf']}"))}
        if "payments" in found:
            rows = list(found["payments"])
            left_out = int(wrong.get("rows", 1))
            kept = rows[left_out:] if wrong.get("end") == "first" else rows[:-left_out]
            if kind == "truncated":
                found = {**found, "complete": False, "payments": kept}
            elif kind == "silently_truncated":
                rows = kept
                found = {**found, "payments": rows, "count": len(rows)}
            elif kind == "other_order":
                found = {**found, "payments": rows[::-1]}
            elif kind == "broken_row":
                broken = [{k: v for k, v in row.items() if k != "amount"} for row in rows]
                found = {**found, "payments": broken}
        wait = float(wrong.get("seconds", 0)) if kind == "slow" else 0.0
        return _json(status, found, wait)


def _json(status: int, found: Mapping[str, Any], wait: float = 0.0) -> Answer:
    return Answer(status, json.dumps(found, ensure_ascii=False).encode(), wait)


def _formed(org: str, ident: str, amount: str | None) -> str:
    """The code as the network itself forms it; written apart from the product on purpose."""
    digit = "8"
    if amount is not None:
        cents = amount.replace(".", "").lstrip("0")
        weights = [1, 7, 3] * len(cents)
        pairs = zip(reversed(cents), weights, strict=False)
        digit = str(sum(int(figure) * weight for figure, weight in pairs) % 8)
    body = org + digit + ident
    check = 98 - int(body + "271500") % 97
    return f"RF{check:02d}{body}"
