"""Record lines of counterparties' accounts as the books state them (REC-01).

Lines are named by the books, so the same file or request twice changes nothing, and a corrected
line replaces what it said before. Earlier contents stay readable; nothing is deleted.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from kernel.errors import ConflictError, Problem, ValidationError
from kernel.periods import Period
from kernel.storing import Position, WriteRefusedError
from reconciliation.application.context import TRIES, Scope
from reconciliation.domain.counterparty import Counterparty
from reconciliation.domain.ledger import (
    MAX_TOGETHER,
    EntryFields,
    EntryState,
    LedgerEntry,
    check_entry,
)
from reconciliation.ports import JobView, Located, Place

_LOOK = 50


@dataclass(frozen=True, slots=True)
class LineProblem:
    """One thing wrong with one line, by its position from 0."""

    number: int
    problem: Problem


class CheckEntries:
    """Everything that is wrong with lines, before any of them is written."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(
        self, entries: Sequence[EntryFields]
    ) -> tuple[dict[str, Counterparty], list[LineProblem]]:
        """The counterparties by code, and what is wrong."""
        known = self._scope.store.counterparties_by_code({one.counterparty_code for one in entries})
        problems: list[LineProblem] = []
        seen: dict[tuple[str, ...], int] = {}
        for number, entry in enumerate(entries):
            try:
                check_entry(entry)
            except ValidationError as error:
                problems += [LineProblem(number, problem) for problem in error.problems]
            if entry.counterparty_code not in known:
                text = "There is no account card with this code."
                problem = Problem("/counterparty_code", "counterparty_unknown", text)
                problems.append(LineProblem(number, problem))
            if seen.setdefault(entry.identity(), number) != number:
                text = "This line is there twice; lines of one document need a source_id."
                problems.append(LineProblem(number, Problem("/document_no", "duplicate_row", text)))
        return known, problems


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many lines were new, changed their content, and said what was known."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0

    def __add__(self, other: "Recorded") -> "Recorded":
        return Recorded(
            self.added + other.added,
            self.changed + other.changed,
            self.unchanged + other.unchanged,
        )

    def to_dict(self) -> dict[str, int]:
        """As answers and jobs show it."""
        return {"added": self.added, "changed": self.changed, "unchanged": self.unchanged}


class RecordEntries:
    """Write lines that were checked, in transactions of fifteen.

    Raises: ConflictError("too_much_contention") when others keep writing the same lines.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(
        self, entries: Sequence[EntryFields], known: Mapping[str, Counterparty], job_id: str = ""
    ) -> Recorded:
        """What became of the lines; with ``job_id`` the job's progress moves along."""
        total = Recorded()
        # Statements that are being compared with these lines are compared again, by condition of
        # the write itself; without an open case nothing is ordered.
        watched = any(case.statement_id for case in self._scope.store.open_cases())
        for start in range(0, len(entries), MAX_TOGETHER):
            chunk = entries[start : start + MAX_TOGETHER]
            total += self._chunk(chunk, known, job_id, watched=watched)
        return total

    def effects(
        self, entries: Sequence[EntryFields], known: Mapping[str, Counterparty]
    ) -> dict[str, int]:
        """What recording would do; nothing is written."""
        counts: Counter[str] = Counter()
        for start in range(0, len(entries), _LOOK):
            chunk = entries[start : start + _LOOK]
            places = places_of(self._scope, chunk, known)
            stored = self._scope.store.locate(places)
            for place, fields in zip(places, chunk, strict=True):
                current = stored[place.counterparty_id, place.key].current
                counts[_kind(current, fields, "")] += 1
        return {name: counts[name] for name in ("added", "changed", "unchanged")}

    def _chunk(
        self,
        chunk: Sequence[EntryFields],
        known: Mapping[str, Counterparty],
        job_id: str,
        *,
        watched: bool,
    ) -> Recorded:
        store = self._scope.store
        places = places_of(self._scope, chunk, known)
        for _ in range(TRIES):
            stored = store.locate(places)
            batch_id = self._scope.ids.new()
            unit = store.unit()
            unit.know_months(
                store.known_months({(place.counterparty_id, place.period) for place in places})
            )
            counts: Counter[str] = Counter()
            for number, (place, fields) in enumerate(zip(places, chunk, strict=True)):
                located = stored[place.counterparty_id, place.key]
                kind = _kind(located.current, fields, job_id)
                counts[kind] += 1
                if kind in {"unchanged", "ours"}:
                    continue
                made = _next(place, fields, located, f"{batch_id}{number:02d}")
                unit.write_entry(replace(made, import_id=job_id or batch_id), located)
            written = counts["added"] + counts["changed"]
            if written:
                detail = {"added": counts["added"], "changed": counts["changed"], "job_id": job_id}
                unit.note_batch(batch_id, detail)
                if job_id:
                    unit.advance_job(job_id, {"done": written})
                if watched:
                    cards = ",".join(dict.fromkeys(place.counterparty_id for place in places))
                    unit.enqueue("portal", {"act": "ledger_changed", "counterparty_ids": cards})
                try:
                    unit.commit()
                except WriteRefusedError:
                    continue
            return Recorded(
                counts["added"] + counts["ours"], counts["changed"], counts["unchanged"]
            )
        raise ConflictError("too_much_contention", "Others keep writing the same lines.")


def places_of(
    scope: Scope, entries: Sequence[EntryFields], known: Mapping[str, Counterparty]
) -> list[Place]:
    """Where lines belong."""
    return [
        Place(
            known[entry.counterparty_code].id,
            scope.store.entry_key(entry.identity()[1:]),
            entry.period,
        )
        for entry in entries
    ]


class UndoEntries:
    """Take back what an import recorded: a new line is cancelled, a changed one says again what it
    said before. A line that was changed since stays. Nothing is deleted.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, entries: Sequence[EntryFields], job: JobView) -> dict[str, int]:
        """How many were ``undone`` and ``kept``; ``entries`` are the lines of its file."""
        counts: Counter[str] = Counter()
        for start in range(0, len(entries), MAX_TOGETHER):
            counts += self._chunk(entries[start : start + MAX_TOGETHER], job)
        return {"undone": counts["undone"], "kept": counts["kept"]}

    def _chunk(self, chunk: Sequence[EntryFields], job: JobView) -> Counter[str]:
        store, import_id = self._scope.store, str(job.private["import_id"])
        known = store.counterparties_by_code({entry.counterparty_code for entry in chunk})
        chunk = [entry for entry in chunk if entry.counterparty_code in known]
        stored = store.locate(places_of(self._scope, chunk, known))
        found = [one.current for one in stored.values() if one.current is not None]
        mine = [one for one in found if one.import_id == import_id]
        before = store.former([(one.counterparty_id, one.key, one.version - 1) for one in mine])
        wanted = [
            before.get((one.counterparty_id, one.key), replace(one.fields, cancelled=True))
            for one in mine
        ]
        done = sum(one.import_id == job.id for one in found)
        if wanted:
            RecordEntries(self._scope)(wanted, known, job.id)
        return Counter(undone=len(mine) + done, kept=len(chunk) - len(mine) - done)


def _kind(current: LedgerEntry | None, fields: EntryFields, job_id: str) -> str:
    if current is None:
        return "added"
    if current.fields != fields:
        return "changed"
    # A worker that died and came back meets its own lines.
    return "ours" if job_id and current.import_id == job_id else "unchanged"


def _next(place: Place, fields: EntryFields, located: Located, order: str) -> LedgerEntry:
    current, target = located.current, located.target
    versions = [row.version for row in (current, target) if row is not None]
    return LedgerEntry(
        counterparty_id=place.counterparty_id,
        key=place.key,
        fields=fields,
        order=current.order if current is not None else order,
        state=EntryState.CURRENT,
        version=max(versions, default=0) + 1,
    )


class PostEntries:
    """Record the lines of one request: all of them or none.

    Raises: ValidationError with everything that is wrong, by position.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, entries: Sequence[EntryFields]) -> Recorded:
        known, problems = CheckEntries(self._scope)(entries)
        if problems:
            raise ValidationError(
                "invalid_input",
                "Some lines are wrong; none was recorded.",
                problems=[one.problem.under(f"/entries/{one.number}") for one in problems],
            )
        return RecordEntries(self._scope)(entries, known)


@dataclass(frozen=True, slots=True)
class EntrySearch:
    """Lines of a month, of one counterparty unless its code is empty."""

    period: Period
    counterparty_code: str = ""
    kind: str = ""
    direction: str = ""

    def finds(self, entry: LedgerEntry) -> bool:
        """Whether a line is meant; lines that moved to another month are not of this one."""
        return (
            entry.state is EntryState.CURRENT
            and self.kind in ("", entry.fields.kind.value)
            and self.direction in ("", entry.fields.direction.value)
        )


class ListEntries:
    """Lines page by page; a search goes on until a page is full."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(
        self, search: EntrySearch, *, limit: int, after: Position | None
    ) -> tuple[list[LedgerEntry], Position | None]:
        """Lines of an unknown counterparty are none."""
        store, counterparty_id = self._scope.store, ""
        if search.counterparty_code:
            known = store.counterparties_by_code([search.counterparty_code])
            if search.counterparty_code not in known:
                return [], None
            counterparty_id = known[search.counterparty_code].id
        found: list[LedgerEntry] = []
        while True:
            page, after = store.entry_page(
                search.period, counterparty_id, limit=limit - len(found), after=after
            )
            found += [entry for entry in page if search.finds(entry)]
            if after is None or len(found) == limit:
                return found, after
