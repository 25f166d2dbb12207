"""One simulated insurer: accounts, contracts, people, payments. Knows no SOAP.

It takes effects into its book before it answers, as a real one would, so whatever happens to the
answer afterwards, the book says what was done.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from infra.local.simulators.insurers.book import Book
from infra.local.simulators.insurers.checks import fault_of_payment, fault_of_person
from infra.local.simulators.insurers.facts import InsurerFacts
from infra.local.simulators.insurers.messages import (
    Command,
    Payment,
    Person,
    RefusedError,
    Result,
    Row,
    StandingRow,
)

TRIES_BEFORE_LOCK: Final = 3
LOCKED_FOR: Final = timedelta(hours=24)
SESSION_LIFE: Final = timedelta(minutes=15)
REFUSED_PASSWORDS: Final = ("wrong", "yanlis", "bad")
"""Without a registered account every password works, except those that begin like this."""

Now = Callable[[], datetime]


class Insurer:
    """One insurer of the book."""

    def __init__(self, facts: InsurerFacts, book: Book, now: Now) -> None:
        self.facts = facts
        self._book = book
        self._now = now
        self._lock = threading.RLock()
        self._settings = book.settings(facts.code)
        self._tries: dict[str, int] = {}
        self._locked: dict[str, datetime] = {}
        self._sessions: dict[str, tuple[str, datetime]] = {}

    def process(self, command: Command) -> Result:
        """Do what is asked and say what was done.

        Raises: RefusedError for a request that is refused as a whole, before any effect.
        """
        with self._lock:
            if command.token:
                self._check_session(command.token)
            else:
                self._check_password(command.username, command.password)
            self._check_contract(command)
            if command.operation in ("enrol", "collect"):
                with self._book.transaction():
                    return self._take(command)
            return self._answer(command)

    def setting(self, name: str, default: Any = None) -> Any:
        """One persistent setting."""
        with self._lock:
            return self._settings.get(name, default)

    def set(self, **changes: Any) -> None:
        """Change persistent settings; None removes one."""
        with self._lock:
            self._settings.update(changes)
            self._settings = {k: v for k, v in self._settings.items() if v is not None}
            self._book.save_settings(self.facts.code, self._settings)

    def register(self, username: str, password: str) -> None:
        """From now on this user has exactly this password, and is not locked."""
        accounts = dict(self.setting("accounts", {}))
        accounts[username] = _digest(password)
        self.set(accounts=accounts)
        self.unlock(username)

    def unlock(self, username: str) -> None:
        """Forget wrong tries."""
        with self._lock:
            self._tries.pop(username, None)
            self._locked.pop(username, None)

    def refuse_password(self, username: str) -> RefusedError:
        """Count one wrong try and return the refusal it earns."""
        with self._lock:
            if self._locked.get(username, _LONG_AGO) > self._now():
                return RefusedError("locked")
            self._tries[username] = self._tries.get(username, 0) + 1
            if self._tries[username] >= TRIES_BEFORE_LOCK:
                self._tries.pop(username)
                self._locked[username] = self._now() + LOCKED_FOR
                return RefusedError("locked")
            return RefusedError("password")

    def move(self, national_id: str, standing: str, on: str) -> int:
        """Change where a person stands, as the person would at the insurer; returns how many."""
        with self._lock, self._book.transaction():
            found = self._book.rows(
                "SELECT policy_no FROM members WHERE provider = ? AND national_id = ?",
                (self.facts.code, national_id),
            )
            self._book.write(
                "UPDATE members SET standing = ?, since = ? WHERE provider = ? AND national_id = ?",
                (standing, on, self.facts.code, national_id),
            )
            return len(found)

    def type_in(self, contract_no: str, row: Mapping[str, Any]) -> str:
        """Enter a person or a payment as the customer would on the insurer's own screens.

        Shapes: a person is ``{national_id}``, a payment ``{national_id, policy_no, period,
        paid_on, amount}`` with the amount in kuruş. Returns the policy number.
        """
        with self._lock, self._book.transaction():
            now = self._now().timestamp()
            national_id = str(row["national_id"])
            if "amount" not in row:
                policy_no = self._new_policy(contract_no, national_id, "EKRAN", now)
                self._effect(
                    contract_no, "enrolment", "", "", national_id, "accepted",
                    policy_no=policy_no, channel="EKRAN", ready_at=now,
                )  # fmt: skip
                return policy_no
            self._effect(
                contract_no, "collection", "", "", national_id, "accepted",
                policy_no=str(row["policy_no"]), amount=int(row["amount"]),
                period=str(row["period"]), paid_on=str(row["paid_on"]), channel="EKRAN",
                ready_at=now,
            )  # fmt: skip
            return str(row["policy_no"])

    def effects(self) -> list[dict[str, Any]]:
        """Every line this insurer took or refused, in order."""
        rows = self._book.rows(
            "SELECT * FROM effects WHERE provider = ? ORDER BY seq", (self.facts.code,)
        )
        return [dict(row) for row in rows]

    # Accounts, sessions, contracts

    def _check_password(self, username: str, password: str) -> None:
        if self._locked.get(username, _LONG_AGO) > self._now():
            raise RefusedError("locked")
        registered = self._settings.get("accounts", {}).get(username)
        if registered is None:
            right = bool(username and password) and not password.lower().startswith(
                REFUSED_PASSWORDS
            )
        else:
            right = registered == _digest(password)
        if not right:
            raise self.refuse_password(username)
        self._tries.pop(username, None)

    def _check_session(self, token: str) -> None:
        session = self._sessions.get(token)
        if session is None or session[1] <= self._now():
            raise RefusedError("session")

    def _check_contract(self, command: Command) -> None:
        closed = self._settings.get("contracts", {}).get(command.contract_no)
        if closed is not None:
            raise RefusedError(f"contract_{closed}")
        shut = self._settings.get("closed_periods", ())
        if any(payment.period in shut for payment in command.payments):
            raise RefusedError("period_closed")
        if len(command.people) + len(command.payments) > self.facts.batch_limit:
            raise RefusedError("invalid")

    # What is asked

    def _answer(self, command: Command) -> Result:
        if command.operation == "login":
            token = secrets.token_hex(16)
            self._sessions[token] = (command.username, self._now() + SESSION_LIFE)
            return Result(token=token)
        if command.operation == "check":
            return Result()
        if command.operation == "members":
            return Result(standings=[self._standing(command, *who) for who in command.asked])
        return self._query(command)

    def _take(self, command: Command) -> Result:
        known = self._of_reference(command) if self.facts.deduplicates else []
        if known:
            return Result(reference=command.reference, rows=[self._row(each) for each in known])
        rows = [
            *(self._enrol(command, person) for person in command.people),
            *(self._collect(command, payment) for payment in command.payments),
        ]
        return Result(reference=command.reference, rows=rows)

    def _enrol(self, command: Command, person: Person) -> Row:
        rejects: Mapping[str, str] = self._settings.get("rejects", {})
        reason = rejects.get(person.national_id) or fault_of_person(
            person,
            phone=self.facts.phone,
            genders=self.facts.genders,
            today=self._now().date() + timedelta(days=1),
        )
        existing = self._policies(command.contract_no, person.national_id)
        if reason is None and existing and self._finds_existing(existing):
            return Row(person.line_key, person.national_id, "exists", existing[0]["policy_no"])
        policy_no, word = None, "rejected"
        ready_at = self._ready_at()
        if reason is None:
            policy_no, word = (
                self._new_policy(command.contract_no, person.national_id, "WS", ready_at),
                "accepted",
            )
        self._effect(
            command.contract_no, "enrolment", command.reference, person.line_key,
            person.national_id, word, policy_no=policy_no, reason=reason, ready_at=ready_at,
            period="" if person.hired_on is None else f"{person.hired_on:%Y-%m}",
        )  # fmt: skip
        if word == "accepted" and ready_at > self._now().timestamp():
            word, policy_no = "pending", None
        return Row(person.line_key, person.national_id, word, policy_no, reason=reason)

    def _collect(self, command: Command, payment: Payment) -> Row:
        rejects: Mapping[str, str] = self._settings.get("rejects", {})
        reason = (
            rejects.get(payment.national_id)
            or fault_of_payment(payment)
            or self._fault_of_policy(command.contract_no, payment)
        )
        paid_on = "" if payment.paid_on is None else payment.paid_on.isoformat()
        if reason is None:
            same = self._book.rows(
                "SELECT * FROM effects WHERE provider = ? AND contract_no = ? AND national_id = ?"
                " AND kind = 'collection' AND period = ? AND paid_on = ? AND word = 'accepted'",
                (
                    self.facts.code,
                    command.contract_no,
                    payment.national_id,
                    payment.period,
                    paid_on,
                ),
            )
            if same and self._finds_existing(same):
                return Row(
                    payment.line_key, payment.national_id, "exists", same[0]["policy_no"],
                    same[0]["amount"], period=payment.period, paid_on=payment.paid_on,
                )  # fmt: skip
        ready_at = self._ready_at()
        word = "accepted" if reason is None else "rejected"
        self._effect(
            command.contract_no, "collection", command.reference, payment.line_key,
            payment.national_id, word, policy_no=payment.policy_no, amount=payment.amount,
            reason=reason, period=payment.period, paid_on=paid_on, ready_at=ready_at,
        )  # fmt: skip
        if word == "accepted" and ready_at > self._now().timestamp():
            word = "pending"
        return Row(
            payment.line_key, payment.national_id, word, payment.policy_no, payment.amount,
            reason, payment.period, payment.paid_on,
        )  # fmt: skip

    def _query(self, command: Command) -> Result:
        if command.kind is None:
            known = self._of_reference(command)
            rows = [self._row(each) for each in known]
            return Result(reference=command.reference, found=bool(known), rows=rows)
        people = [national_id for _, national_id in command.asked]
        found = self._book.rows(
            "SELECT * FROM effects WHERE provider = ? AND contract_no = ? AND kind = ?"
            " AND (period = '' OR period BETWEEN ? AND ?)"
            " AND (? OR national_id IN (SELECT value FROM json_each(?))) ORDER BY seq",
            (
                self.facts.code,
                command.contract_no,
                command.kind,
                command.first_period,
                command.last_period,
                not people,
                json.dumps(people),
            ),
        )
        return Result(rows=[self._row(each) for each in found])

    def _standing(self, command: Command, line_key: str, national_id: str) -> StandingRow:
        rows = self._policies(command.contract_no, national_id)
        if not rows:
            return StandingRow(line_key, national_id, "not_found")
        row = rows[-1]
        standing = row["standing"]
        if standing == "active" and row["ready_at"] > self._now().timestamp():
            return StandingRow(line_key, national_id, "pending")
        since = None if row["since"] is None else date.fromisoformat(row["since"])
        return StandingRow(line_key, national_id, standing, row["policy_no"], since)

    # The book

    def _of_reference(self, command: Command) -> list[dict[str, Any]]:
        return self._book.rows(
            "SELECT * FROM effects WHERE provider = ? AND contract_no = ? AND reference = ?"
            " ORDER BY seq",
            (self.facts.code, command.contract_no, command.reference),
        )

    def _policies(self, contract_no: str, national_id: str) -> list[dict[str, Any]]:
        return self._book.rows(
            "SELECT * FROM members WHERE provider = ? AND contract_no = ? AND national_id = ?"
            " ORDER BY policy_no",
            (self.facts.code, contract_no, national_id),
        )

    def _finds_existing(self, rows: Iterable[Mapping[str, Any]]) -> bool:
        """Whether this insurer notices that it has the line already.

        What was typed in on its screens every insurer sees; a repeated call only those that
        promise to deduplicate.
        """
        return self.facts.deduplicates or any(row["channel"] == "EKRAN" for row in rows)

    def _fault_of_policy(self, contract_no: str, payment: Payment) -> str | None:
        rows = self._book.rows(
            "SELECT * FROM members WHERE provider = ? AND policy_no = ?",
            (self.facts.code, payment.policy_no),
        )
        if (
            not rows
            or rows[0]["contract_no"] != contract_no
            or rows[0]["national_id"] != payment.national_id
        ):
            return "policy_unknown"
        return None if rows[0]["standing"] == "active" else "policy_inactive"

    def _new_policy(self, contract_no: str, national_id: str, channel: str, ready_at: float) -> str:
        number = self._book.count(self.facts.code, "policies")
        policy_no = f"{self.facts.policy_prefix}{number:08d}"
        self._book.write(
            "INSERT INTO members VALUES(?, ?, ?, ?, 'active', NULL, ?, ?)",
            (self.facts.code, policy_no, contract_no, national_id, channel, ready_at),
        )
        return policy_no

    def _effect(
        self,
        contract_no: str,
        kind: str,
        reference: str,
        line_key: str,
        national_id: str,
        word: str,
        *,
        policy_no: str | None = None,
        amount: int | None = None,
        reason: str | None = None,
        period: str = "",
        paid_on: str = "",
        channel: str = "WS",
        ready_at: float,
    ) -> None:
        self._book.write(
            "INSERT INTO effects(provider, contract_no, kind, reference, line_key, national_id,"
            " period, paid_on, amount, policy_no, word, reason, channel, taken_at, ready_at)"
            " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self.facts.code, contract_no, kind, reference, line_key, national_id, period,
                paid_on, amount, policy_no, word, reason, channel, self._now().timestamp(),
                ready_at,
            ),
        )  # fmt: skip

    def _row(self, effect: Mapping[str, Any]) -> Row:
        """An effect as it shows now: pending until its time has come."""
        pending = effect["word"] == "accepted" and effect["ready_at"] > self._now().timestamp()
        hidden = pending and effect["kind"] == "enrolment"
        return Row(
            line_key=effect["line_key"],
            national_id=effect["national_id"],
            word="pending" if pending else effect["word"],
            policy_no=None if hidden else effect["policy_no"],
            amount=effect["amount"],
            reason=effect["reason"],
            period=effect["period"],
            paid_on=date.fromisoformat(effect["paid_on"]) if effect["paid_on"] else None,
            reference=effect["reference"] or None,
            channel=effect["channel"],
        )

    def _ready_at(self) -> float:
        delay = int(self._settings.get("policy_delay_seconds", self.facts.policy_delay))
        return self._now().timestamp() + delay


_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _digest(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()
