"""What statements add to the store of payment codes: sightings, lines, imports.

Rows in ``core`` (``pay#T#<tenant>#…``): ``SIGHTED#<hash of code>`` holds one narrow row per payment
of the code, by which sides it was seen, and ``META`` with the number that guards them all;
``STATEMENT-LINE#<id>`` / ``META`` is a line, its id made from its content; ``JOB#<id>`` is the
import, ``IMPORT#<id>`` / ``CHUNK#<n>`` what became of its lines.
"""

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from kernel.bank_statement import Direction, Place
from kernel.money import Money
from kernel.storing import Position
from payment_codes.domain.statement_line import LineOutcome, Sighting, Sightings, StatementLine
from payment_codes.ports import ImportChunk
from toolkit.aws.dynamodb import Database, Item, Keyspace, absent, equals
from toolkit.aws.jobs import job_key
from toolkit.aws.rows import day, day_of, stamp_of
from toolkit.aws.unit_of_work import META, Change, Machinery, UnitOfWork, entity_key

LINE: Final = "statement_line"
_CHUNK: Final = "CHUNK#"


def _sighted(keyspace: Keyspace, rf: str) -> str:
    # Hashed: what a provider lists as a code need not be one.
    return keyspace.key("SIGHTED", hashlib.sha256(rf.encode()).hexdigest()[:40])


def _sighting_row(item: Sighting) -> Item:
    return {
        "amount": item.amount.minor,
        "currency": item.amount.currency,
        "takes_back": item.takes_back,
        "listed": item.listed,
        "provider_payment_id": item.provider_payment_id,
        "paid": [day(each) for each in item.paid],
        "line_id": item.line_id,
        "booked": [day(each) for each in item.booked],
        "bank_reference": item.bank_reference,
        "end_to_end_id": item.end_to_end_id,
        "import_id": item.import_id,
    }


def _sighting_from(row: Mapping[str, Any]) -> Sighting:
    return Sighting(
        payment_id=row["sk"].removeprefix("P#"),
        amount=Money(row["amount"], row["currency"]),
        takes_back=row["takes_back"],
        listed=row["listed"],
        provider_payment_id=row["provider_payment_id"],
        paid=tuple(date.fromisoformat(each) for each in row["paid"]),
        line_id=row["line_id"],
        booked=tuple(date.fromisoformat(each) for each in row["booked"]),
        bank_reference=row["bank_reference"],
        end_to_end_id=row["end_to_end_id"],
        import_id=row["import_id"],
    )


def _line_row(line: StatementLine) -> Item:
    """Attributes of a line; its state is the outcome. The account is not kept."""
    return {
        "import_id": line.import_id,
        "line": line.place.line,
        "path": line.place.path,
        "rf": line.rf,
        "amount": line.amount.minor,
        "currency": line.amount.currency,
        "direction": line.direction.value,
        "reversal": line.reversal,
        "booking_date": day(line.booking_date),
        "value_date": day(line.value_date),
        "bank_reference": line.bank_reference,
        "end_to_end_id": line.end_to_end_id,
        "transaction_id": line.transaction_id,
        "payer_name": line.payer_name,
        "payer_bank": line.payer_bank,
        "accepted_at": line.accepted_at,
        "reason": line.reason,
        "payment_id": line.payment_id,
        "code_id": line.code_id,
        "note": line.note,
    }


def _line_from(row: Mapping[str, Any]) -> StatementLine:
    booking, value = day_of(row["booking_date"]), day_of(row["value_date"])
    assert booking is not None and value is not None  # noqa: S101, PT018  (always stored)
    return StatementLine(
        id=row["id"],
        import_id=row["import_id"],
        place=Place(row["line"], row["path"]),
        rf=row["rf"],
        amount=Money(row["amount"], row["currency"]),
        direction=Direction(row["direction"]),
        reversal=row["reversal"],
        booking_date=booking,
        value_date=value,
        bank_reference=row["bank_reference"],
        end_to_end_id=row["end_to_end_id"],
        transaction_id=row["transaction_id"],
        payer_name=row["payer_name"],
        payer_bank=row["payer_bank"],
        accepted_at=row["accepted_at"],
        outcome=LineOutcome(row["state"]),
        reason=row["reason"],
        payment_id=row["payment_id"],
        code_id=row["code_id"],
        note=row["note"],
        stamp=stamp_of(row),
    )


def _line_change(line: StatementLine, action: str) -> Change:
    detail = {
        "import_id": line.import_id,
        "amount": line.amount.minor,
        "payment_id": line.payment_id,
        "code_id": line.code_id,
        "reason": line.reason,
    }
    return Change(action=action, to_state=line.outcome.value, detail=detail)


class StatementWrites:
    """The part of ``PaymentsUnit`` that statements need."""

    _keyspace: Keyspace
    _unit: UnitOfWork

    def sight(self, rf: str, seen: Sightings, sighting: Sighting) -> None:
        pk = _sighted(self._keyspace, rf)
        self._unit.transaction.update(
            "core",
            pk,
            META,
            assign={"n": seen.version + 1},
            when=equals("n", seen.version) if seen.version else absent("n"),
            label="sightings",
        )
        row = _sighting_row(sighting)
        self._unit.transaction.update("core", pk, f"P#{sighting.payment_id}", assign=row)

    def add_line(self, line: StatementLine) -> None:
        row = _line_row(line)
        if line.outcome is LineOutcome.DIFFERS:
            row |= {"by_pk": self._keyspace.key("DIFFERENCES"), "by_sk": line.id}
        self._unit.create(LINE, line.id, row, _line_change(line, f"line.{line.outcome}"))

    def save_line(self, before: StatementLine, after: StatementLine, action: str) -> StatementLine:
        stored = self._unit.as_read(LINE, before.id, before.outcome.value, before.stamp)
        changed = self._unit.change(
            stored,
            _line_change(after, action),
            assign=_line_row(after),
            remove=("by_pk", "by_sk"),
        )
        return _line_from(changed)

    def add_chunk(self, job_id: str, chunk: ImportChunk, counts: Mapping[str, int]) -> None:
        self._unit.transaction.put_new(
            "core",
            {
                "pk": self._keyspace.key("IMPORT", job_id),
                "sk": f"{_CHUNK}{chunk.number:07d}",
                "lines": [dict(line) for line in chunk.lines],
            },
            label="chunk",
        )
        self._unit.count(job_key(self._keyspace, job_id), META, counts)


class StatementReads:
    """The part of ``PaymentsStore`` that statements need."""

    database: Database
    keyspace: Keyspace
    machinery: Machinery

    def sightings(self, rf: str) -> Sightings:
        version, items = 0, []
        for row in self.database.query_all("core", _sighted(self.keyspace, rf)):
            if row["sk"] == META:
                version = row["n"]
            else:
                items.append(_sighting_from(row))
        return Sightings(version, tuple(items))

    def line(self, line_id: str) -> StatementLine | None:
        row = self.database.get("core", entity_key(self.keyspace, LINE, line_id), META)
        return _line_from(row) if row is not None else None

    def differences(
        self, *, limit: int, after: Position | None
    ) -> tuple[list[StatementLine], Position | None]:
        page = self.database.list_rows(
            self.keyspace.key("DIFFERENCES"), limit=limit, after=dict(after) if after else None
        )
        # The index may lag behind a decision; the row itself is read consistently.
        found = [_line_from(row) for row in page.items if row["state"] == LineOutcome.DIFFERS]
        return found, page.next_key

    def chunks(
        self, job_id: str, *, limit: int, after: Position | None
    ) -> tuple[list[ImportChunk], Position | None]:
        page = self.database.query(
            "core",
            self.keyspace.key("IMPORT", job_id),
            prefix=_CHUNK,
            limit=limit,
            after=dict(after) if after else None,
        )
        found = [
            ImportChunk(int(row["sk"].removeprefix(_CHUNK)), row["lines"]) for row in page.items
        ]
        return found, page.next_key
