"""What statements and matches add to the store of card contracts.

Rows in ``core`` (``crd#T#<tenant>#…``): ``BANK-LINES#<account>#<year>`` / ``<day>#<id>`` is a line,
in the order in which an account is matched; lines that wait are listed under ``BANK-LINES-OPEN``,
lines that were set aside under ``BANK-LINES-ASIDE``, with ``CARD-ASIDE#<id>`` for their history.
``CARD-MATCH#<id>`` is a match, listed by state. ``CARD-DRIFT`` / ``<month>#<contract>#<currency>``
counts what a bank kept, beside the writes of the matches themselves.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from card_contracts.domain.matching import MatchKind
from card_contracts.domain.open_payments import Expected
from card_contracts.domain.sale import LineStatus
from card_contracts.domain.settlement import (
    BankLine,
    Drift,
    LineState,
    Match,
    MatchState,
    Share,
)
from card_contracts.ports import JobView, Owed
from kernel.errors import NotFoundError
from kernel.storing import Position
from kernel.why import Why
from toolkit.aws.due import NOT_DUE, due_at
from toolkit.aws.dynamodb import Database, Item, Keyspace, absent, equals, one_of
from toolkit.aws.jobs import QUEUED, RUNNING, job_from, job_key
from toolkit.aws.rows import stamp_of
from toolkit.aws.unit_of_work import META, Change, Machinery, UnitOfWork, entity_key

MATCH: Final = "card_match"
LEASE: Final = timedelta(minutes=11)  # longer than any worker may run
ASIDE: Final = "card_aside"
_LISTED: Final = ("by_pk", "by_sk")
_LISTS: Final = {LineState.OPEN: "BANK-LINES-OPEN", LineState.ASIDE: "BANK-LINES-ASIDE"}
_TAKEN_BACK: Final = "taken_back"
_AFTER: Final = "~"  # sorts after every character of a key
_DRIFT: Final = "CARD-DRIFT"


def lines_key(keyspace: Keyspace, account: str, year: str) -> str:
    """Partition key of an account's lines of one year."""
    return keyspace.key("BANK-LINES", account, year)


def receivable_key(keyspace: Keyspace, member: str) -> tuple[str, str]:
    """Where a receivable lies; its key begins with its day."""
    return keyspace.key("RECEIVABLES", member[:4]), member


def _line_row(keyspace: Keyspace, line: BankLine) -> Item:
    return {
        "pk": lines_key(keyspace, line.account, line.key[:4]),
        "sk": line.key,
        "account": line.account,
        "currency": line.currency,
        "amount": line.amount,
        "text": line.text,
        "import_id": line.import_id,
        "line_state": line.state.value,
        "match_id": line.match_id,
        **_waiting(keyspace, line.key),
    }


def _waiting(keyspace: Keyspace, key: str, state: LineState = LineState.OPEN) -> dict[str, str]:
    return {"by_pk": keyspace.key(_LISTS[state]), "by_sk": key}


def _line_from(row: Mapping[str, Any]) -> BankLine:
    day, _, identity = row["sk"].partition("#")
    return BankLine(
        id=identity,
        account=row["account"],
        day=date.fromisoformat(day),
        currency=row["currency"],
        amount=row["amount"],
        text=row["text"],
        import_id=row["import_id"],
        state=LineState(row["line_state"]),
        match_id=row["match_id"],
        again=bool(row.get("again")),
        reason=row.get("reason", ""),
    )


def _match_row(match: Match) -> Item:
    return {
        "account": match.account,
        "day": match.day.isoformat(),
        "currency": match.currency,
        "match_kind": match.kind.value,
        "lines": list(match.lines),
        "members": list(match.members),
        "paid": match.paid,
        "shares": [
            [one.contract_code, one.gross, one.kept, one.difference, one.payments]
            for one in match.shares
        ],
        "why": json.dumps([why.to_dict() for why in match.why], ensure_ascii=False),
        "import_id": match.import_id,
    }


def _match_from(row: Mapping[str, Any]) -> Match:
    return Match(
        id=row["id"],
        account=row["account"],
        day=date.fromisoformat(row["day"]),
        currency=row["currency"],
        kind=MatchKind(row["match_kind"]),
        state=MatchState(row["state"]),
        lines=tuple(row["lines"]),
        members=tuple(row["members"]),
        paid=row["paid"],
        shares=tuple(Share(*one) for one in row["shares"]),
        why=tuple(Why(one["key"], one["params"]) for one in json.loads(row["why"])),
        import_id=row["import_id"],
        stamp=stamp_of(row),
    )


def _expected_from(row: Mapping[str, Any]) -> Expected:
    return Expected(
        key=row["sk"],
        contract_code=row["contract_code"],
        day=date.fromisoformat(row["pay"]),
        currency=row["currency"],
        gross=row["gross"],
        kept=sum(row["deductions"].values()),
        document_no=row["document_no"],
    )


def job_view(row: Item) -> JobView:
    """A job as its worker and its page see it."""
    job = job_from(row)
    return JobView(
        job.id,
        job.kind,
        job.status,
        row.get("private", {}),
        bool(row.get("prepared")),
        job.total,
        job.done,
        {name[2:]: number for name, number in row.items() if name.startswith("n_") and number},
        job.result,
        job.problems,
        job.created_at,
    )


class SettlementWrites:
    """The part of ``CardsUnit`` that statements and matches need."""

    _database: Database
    _keyspace: Keyspace
    _unit: UnitOfWork

    def add_bank_lines(self, lines: Sequence[BankLine]) -> None:
        for line in lines:
            row = _line_row(self._keyspace, line)
            self._unit.transaction.put_new("core", row, label="bank_line")

    def prepare_job(self, job_id: str, total: int) -> None:
        self._unit.transaction.update(
            "core",
            job_key(self._keyspace, job_id),
            META,
            assign={"prepared": True, "total": total},
            when=one_of("status", (QUEUED, RUNNING)) & absent("prepared"),
            label="job",
        )

    def step_job(self, job_id: str, *, seen: int, done: int, counts: Mapping[str, int]) -> None:
        self._unit.transaction.update(
            "core",
            job_key(self._keyspace, job_id),
            META,
            assign={"done": done},
            add={f"n_{name}": count for name, count in counts.items() if count},
            when=equals("status", RUNNING) & equals("done", seen),
            label="job",
        )

    # -------------------------------------------------------------- matches

    def _moving(self, match: Match) -> Item:
        if not match.is_moving:
            return {}
        return due_at(self._keyspace, self._unit.now + timedelta(minutes=2), match.id)

    def _listed_match(self, match: Match) -> Item:
        return {
            "by_pk": self._keyspace.key("CARD-MATCHES", match.state.value),
            "by_sk": f"{match.day.isoformat()}#{match.id}",
        }

    @staticmethod
    def _match_change(match: Match, action: str) -> Change:
        detail = {
            "paid": match.paid,
            "difference": match.difference,
            "lines": len(match.lines),
            "payments": len(match.members),
        }
        return Change(action=action, to_state=match.state.value, detail=detail)

    def add_match(self, match: Match, action: str) -> None:
        row = {**_match_row(match), **self._listed_match(match), **self._moving(match)}
        self._unit.create(MATCH, match.id, row, self._match_change(match, action))

    def save_match(self, before: Match, after: Match, action: str) -> None:
        stored = self._unit.as_read(MATCH, before.id, before.state.value, before.stamp)
        self._unit.change(
            stored,
            self._match_change(after, action),
            assign={**self._listed_match(after), **self._moving(after)},
            remove=() if after.is_moving else NOT_DUE,
        )

    def require_match(self, match: Match) -> None:
        pk = entity_key(self._keyspace, MATCH, match.id)
        unchanged = equals("version", match.stamp.version)
        self._unit.transaction.check("core", pk, META, unchanged, label="card_match")

    def take_lines(self, match: Match, state: LineState) -> None:
        back = state is LineState.OPEN
        free = equals("line_state", LineState.OPEN.value)
        for key in match.lines:
            self._unit.transaction.update(
                "core",
                lines_key(self._keyspace, match.account, key[:4]),
                key,
                assign={
                    "line_state": state.value,
                    "match_id": "" if back else match.id,
                    **(_waiting(self._keyspace, key) if back else {}),
                },
                remove=() if back else _LISTED,
                when=equals("match_id", match.id) if back else free | equals("match_id", match.id),
                label="bank_line",
            )

    def flag_line(self, account: str, key: str) -> None:
        self._unit.transaction.update(
            "core",
            lines_key(self._keyspace, account, key[:4]),
            key,
            assign={"again": True},
            when=equals("line_state", LineState.OPEN.value),
            label="bank_line",
        )

    def _move_line(self, line: BankLine, before: LineState, after: LineState, reason: str) -> None:
        self._unit.transaction.update(
            "core",
            lines_key(self._keyspace, line.account, line.key[:4]),
            line.key,
            assign={
                "line_state": after.value,
                "reason": reason,
                **_waiting(self._keyspace, line.key, after),
            },
            when=equals("line_state", before.value),
            label="bank_line",
        )

    def set_aside(self, line: BankLine, reason: str) -> None:
        self._move_line(line, LineState.OPEN, LineState.ASIDE, reason)
        change = Change("bank_line.set_aside", LineState.ASIDE.value)
        row = self._aside(line)
        attributes = {"account": line.account, "line": line.key, "reason": reason}
        if row is None:
            self._unit.create(ASIDE, line.aside_id, attributes, change)
        else:
            self._unit.change(row, change, assign=attributes)

    def take_back(self, line: BankLine) -> None:
        self._move_line(line, LineState.ASIDE, LineState.OPEN, "")
        row = self._aside(line)
        if row is not None:
            self._unit.change(row, Change("bank_line.taken_back", _TAKEN_BACK))

    def _aside(self, line: BankLine) -> Item | None:
        pk = entity_key(self._keyspace, ASIDE, line.aside_id)
        return self._database.get("core", pk, META)

    def settle(self, members: Sequence[str], match_id: str) -> None:
        for member in members:
            pk, sk = receivable_key(self._keyspace, member)
            self._unit.transaction.update(
                "core",
                pk,
                sk,
                assign={"status": LineStatus.SETTLED.value, "match_id": match_id},
                when=equals("status", LineStatus.EXPECTED.value) | equals("match_id", match_id),
                label="line",
            )

    def release(self, members: Sequence[str], match_id: str) -> None:
        for member in members:
            pk, sk = receivable_key(self._keyspace, member)
            self._unit.transaction.update(
                "core",
                pk,
                sk,
                assign={"status": LineStatus.EXPECTED.value},
                remove=("match_id",),
                when=equals("match_id", match_id),
                label="line",
            )

    # -------------------------------------------------------------- drift

    def count_drift(self, month: str, currency: str, share: Share, sign: int) -> None:
        deltas = {
            "gross": share.gross,
            "kept": share.kept,
            "difference": share.difference,
            "payments": share.payments,
        }
        sort = f"{month}#{share.contract_code}#{currency}"
        moved = {name: sign * delta for name, delta in deltas.items()}
        self._unit.count(self._keyspace.key(_DRIFT), sort, moved)

    def save_alarm(self, drift: Drift, alarm: bool) -> None:
        known = equals("alarm", drift.alarm)
        self._unit.transaction.update(
            "core",
            self._keyspace.key(_DRIFT),
            f"{drift.month}#{drift.contract_code}#{drift.currency}",
            assign={"alarm": alarm},
            when=known if drift.alarm else absent("alarm") | known,
            label="drift",
        )


class SettlementReads:
    """The part of ``CardsStore`` that statements and matches need."""

    database: Database
    keyspace: Keyspace
    machinery: Machinery

    def job_list(self, kind: str, *, limit: int) -> list[JobView]:
        page = self.database.list_rows(self.keyspace.key("JOBS"), limit=limit, forward=False)
        return [job_view(row) for row in page.items if row["kind"] == kind]

    def lease_job(self, job_id: str) -> None:
        until = self.machinery.clock.now() + LEASE
        self.database.update(
            "core",
            job_key(self.keyspace, job_id),
            META,
            assign={"status": RUNNING, **due_at(self.keyspace, until, job_id)},
            when=one_of("status", (QUEUED, RUNNING)),
        )

    def known_lines(self, lines: Sequence[BankLine]) -> frozenset[str]:
        keys = [(lines_key(self.keyspace, one.account, one.key[:4]), one.key) for one in lines]
        return frozenset(sk for _, sk in self.database.get_many("core", keys))

    def bank_line(self, account: str, key: str) -> BankLine:
        row = None
        if account and "#" not in account:
            row = self.database.get("core", lines_key(self.keyspace, account, key[:4]), key)
        if row is None:
            raise NotFoundError("not_found", "There is no such item.")
        return _line_from(row)

    def bank_lines(self, account: str, since: date, until: date) -> Iterator[BankLine]:
        for row in self._by_day(lambda year: lines_key(self.keyspace, account, year), since, until):
            yield _line_from(row)

    def line_list(
        self, state: LineState, *, limit: int, after: Position | None
    ) -> tuple[list[BankLine], Position | None]:
        page = self.database.list_rows(
            self.keyspace.key(_LISTS[state]), limit=limit, after=dict(after) if after else None
        )
        # The index may lag behind a match; the row itself is read consistently.
        listed = [row for row in page.items if row["line_state"] == state.value]
        return [_line_from(row) for row in listed], page.next_key

    def owed(self, since: date, until: date, accounts: Collection[str]) -> Iterator[Expected]:
        for row in self._by_day(lambda year: self.keyspace.key("RECEIVABLES", year), since, until):
            expected = row["status"] == LineStatus.EXPECTED.value
            if expected and row["bank_account_code"] in accounts:
                yield _expected_from(row)

    def _by_day(self, key_of: Any, since: date, until: date) -> Iterator[Item]:
        for year in range(since.year, until.year + 1):
            after: Mapping[str, Any] | None = None
            while True:
                page = self.database.query(
                    "core",
                    key_of(str(year)),
                    since=since.isoformat(),
                    up_to=f"{until.isoformat()}{_AFTER}",
                    after=dict(after) if after else None,
                    limit=1_000,
                )
                yield from page.items
                after = page.next_key
                if after is None:
                    break

    def owed_of(self, members: Sequence[str]) -> list[Owed]:
        keys = [receivable_key(self.keyspace, member) for member in members]
        found = self.database.get_many("core", keys)
        if len(found) != len(set(keys)):
            raise NotFoundError("not_found", "There is no such item.")
        return [
            Owed(
                _expected_from(row),
                row["bank_account_code"],
                LineStatus(row["status"]),
                row.get("match_id", ""),
            )
            for row in (found[key] for key in keys)
        ]

    def match(self, match_id: str) -> Match:
        row = self.database.get("core", entity_key(self.keyspace, MATCH, match_id), META)
        if row is None:
            raise NotFoundError("not_found", "There is no such item.")
        return _match_from(row)

    def match_page(
        self, state: str, *, limit: int, after: Position | None
    ) -> tuple[list[Match], Position | None]:
        page = self.database.list_rows(
            self.keyspace.key("CARD-MATCHES", state),
            limit=limit,
            after=dict(after) if after else None,
        )
        return [_match_from(row) for row in page.items if row["state"] == state], page.next_key

    def suggested_members(self, since: date, until: date) -> frozenset[str]:
        found: set[str] = set()
        after: Mapping[str, Any] | None = None
        while True:
            page = self.database.list_rows(
                self.keyspace.key("CARD-MATCHES", MatchState.SUGGESTED.value),
                up_to=f"{until.isoformat()}{_AFTER}",
                limit=200,
                after=dict(after) if after else None,
            )
            for row in page.items:
                is_held = row["state"] == MatchState.SUGGESTED.value
                if is_held and row["day"] >= since.isoformat():
                    found.update(row["members"])
            after = page.next_key
            if after is None:
                return frozenset(found)

    def drifts(self, since: str, until: str) -> list[Drift]:
        found = []
        after: Mapping[str, Any] | None = None
        while True:
            page = self.database.query(
                "core",
                self.keyspace.key(_DRIFT),
                since=since,
                up_to=f"{until}{_AFTER}",
                after=dict(after) if after else None,
            )
            found += [_drift_from(row) for row in page.items]
            after = page.next_key
            if after is None:
                return found


def _drift_from(row: Mapping[str, Any]) -> Drift:
    month, code, currency = row["sk"].split("#")
    return Drift(
        contract_code=code,
        month=month,
        currency=currency,
        gross=row.get("gross", 0),
        kept=row.get("kept", 0),
        difference=row.get("difference", 0),
        payments=row.get("payments", 0),
        alarm=bool(row.get("alarm")),
    )
