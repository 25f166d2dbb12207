"""Keep the account cards of the books (REC-01)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from kernel.errors import ConflictError, Problem, ValidationError
from kernel.storing import Position, WriteRefusedError
from kernel.text import fold
from reconciliation.application.context import TRIES, Scope
from reconciliation.domain.counterparty import Counterparty, CounterpartyFields, CounterpartyState
from reconciliation.ports import JobView, ReconciliationUnit

CHUNK: Final = 7
"""Account cards of one transaction: five writes each for a new one, the order for their accesses,
and the progress of a job."""
_SCAN: Final = 100


class AddCounterparty:
    """Add an account card, or bring a removed one back under its id.

    Raises: ConflictError("code_taken").
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, fields: CounterpartyFields) -> Counterparty:
        store = self._scope.store
        before = store.counterparties_by_code([fields.code]).get(fields.code)
        if before is not None and before.state is CounterpartyState.ACTIVE:
            raise ConflictError("code_taken", "There is an account card with this code already.")
        unit = store.unit()
        saved = put(unit, self._scope, before, fields)
        if before is None:
            order_access(unit, [saved])
        try:
            unit.commit()
        except WriteRefusedError as error:
            raise ConflictError("code_taken", "Somebody else wrote this code just now.") from error
        return saved


class ChangeCounterparty:
    """Change an account card; its code stays.

    Raises: NotFoundError; PreconditionFailedError; ValidationError for another code.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(
        self, counterparty_id: str, fields: CounterpartyFields, version: int
    ) -> Counterparty:
        before = self._scope.store.counterparty(counterparty_id)
        self._scope.expect(before.stamp.version, version)
        if fields.code != before.fields.code:
            problem = Problem("/code", "unchangeable", "The code never changes.")
            raise ValidationError("invalid_input", "Some fields are wrong.", problems=[problem])
        if fields == before.fields:
            return before
        unit = self._scope.store.unit()
        after = before.with_fields(fields, self._scope.origin)
        saved = unit.save_counterparty(before, after, "counterparty.changed")
        self._scope.commit(unit)
        return saved


class RemoveCounterparty:
    """Take an account card off the list; its lines stay and count.

    Raises: NotFoundError; PreconditionFailedError.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, counterparty_id: str, version: int) -> None:
        before = self._scope.store.counterparty(counterparty_id)
        self._scope.expect(before.stamp.version, version)
        unit = self._scope.store.unit()
        removed = replace(before, state=CounterpartyState.REMOVED)
        unit.save_counterparty(before, removed, "counterparty.removed")
        self._scope.commit(unit)


@dataclass(frozen=True, slots=True)
class Search:
    """What a list of account cards is narrowed to.

    Shapes: ``text`` is looked for in code and title, by the rules of ``fold``; ``reachable`` is
    whether there is an address for letters, None for either.
    """

    text: str = ""
    code: str = ""
    reachable: bool | None = None

    def finds(self, counterparty: Counterparty) -> bool:
        """Whether an account card is meant."""
        fields = counterparty.fields
        wanted = fold(self.text)
        return (
            (wanted in fold(fields.title) or wanted in fold(fields.code))
            and self.code in ("", fields.code)
            and self.reachable in (None, counterparty.reachable)
        )


class ListCounterparties:
    """Account cards page by page; a search goes on until a page is full."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(
        self, search: Search, *, limit: int, after: Position | None
    ) -> tuple[list[Counterparty], Position | None]:
        store = self._scope.store
        if search.code:
            known = store.counterparties_by_code([search.code]).values()
            active = [one for one in known if one.state is CounterpartyState.ACTIVE]
            return [one for one in active if search.finds(one)], None
        found: list[Counterparty] = []
        while True:
            # Never more than what is missing: the position after a page is the only one there is.
            page, after = store.counterparty_page(limit=min(limit - len(found), _SCAN), after=after)
            found += [one for one in page if search.finds(one)]
            if after is None or len(found) == limit:
                return found, after


class SaveCounterparties:
    """Add or change many account cards, in transactions of ``CHUNK``."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(
        self, all_fields: Sequence[CounterpartyFields], job_id: str = ""
    ) -> dict[str, int]:
        """How many were ``added``, ``changed`` and ``unchanged``; with ``job_id`` the job's
        progress moves along.

        Raises: ConflictError("too_much_contention") when others keep writing the same cards.
        """
        counts = {"added": 0, "changed": 0, "unchanged": 0}
        for start in range(0, len(all_fields), CHUNK):
            for kind, number in self._chunk(all_fields[start : start + CHUNK], job_id):
                counts[kind] += number
        return counts

    def _chunk(self, chunk: Sequence[CounterpartyFields], job_id: str) -> Iterator[tuple[str, int]]:
        store = self._scope.store
        for _ in range(TRIES):
            known = store.counterparties_by_code([fields.code for fields in chunk])
            unit = store.unit()
            new: list[Counterparty] = []
            changed = 0
            for fields in chunk:
                before = known.get(fields.code)
                if before is not None and same(before, fields):
                    continue
                saved = put(unit, self._scope, before, fields, job_id)
                if before is None:
                    new.append(saved)
                else:
                    changed += 1
            added = len(new)
            if new:
                order_access(unit, new)
            if added or changed:
                if job_id:
                    unit.advance_job(job_id, {"done": added + changed})
                try:
                    unit.commit()
                except WriteRefusedError:
                    continue
            yield "added", added
            yield "changed", changed
            yield "unchanged", len(chunk) - added - changed
            return
        raise ConflictError("too_much_contention", "Others keep writing the same account cards.")


def same(before: Counterparty, fields: CounterpartyFields) -> bool:
    """Whether the store says this already."""
    return before.state is CounterpartyState.ACTIVE and before.fields == fields


class UndoCounterparties:
    """Take back what an import did to account cards: a new one leaves the list, a changed one says
    again what it said before. A card that was changed since stays.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, all_fields: Sequence[CounterpartyFields], job: JobView) -> dict[str, int]:
        """How many were ``undone`` and ``kept``; ``all_fields`` are the rows of its file."""
        import_id = str(job.private["import_id"])
        counts = {"undone": 0, "kept": 0}
        for start in range(0, len(all_fields), CHUNK):
            codes = [fields.code for fields in all_fields[start : start + CHUNK]]
            for card in self._scope.store.counterparties_by_code(codes).values():
                done = card.import_id == job.id or (
                    card.import_id == import_id and self._one(card, job.id)
                )
                counts["undone" if done else "kept"] += 1
        return counts

    def _one(self, card: Counterparty, job_id: str) -> bool:
        unit = self._scope.store.unit()
        after = card.undone(job_id)
        unit.save_counterparty(card, after, "counterparty.undone")
        try:
            unit.commit()
        except WriteRefusedError:
            return False
        return True


def put(
    unit: ReconciliationUnit,
    scope: Scope,
    before: Counterparty | None,
    fields: CounterpartyFields,
    import_id: str = "",
) -> Counterparty:
    """Add an account card, or bring the stored one to this content."""
    if before is None:
        origins = (scope.origin,) * len(fields.emails)
        made = Counterparty(scope.ids.new(), fields, origins=origins, import_id=import_id)
        return unit.add_counterparty(made)
    back = before.state is CounterpartyState.REMOVED
    action = "counterparty.restored" if back else "counterparty.changed"
    after = before.with_fields(fields, scope.origin, import_id)
    return unit.save_counterparty(before, after, action)


def order_access(unit: ReconciliationUnit, cards: Sequence[Counterparty]) -> None:
    """New cards get their access to the portal by themselves: ordered if and only if they exist."""
    ids = ",".join(card.id for card in cards)
    unit.enqueue("portal", {"act": "prepare_access", "counterparty_ids": ids})
