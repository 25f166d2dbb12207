"""Compare our account with the statement a counterparty sent, line by line (REC-06)."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from kernel.errors import (
    ConflictError,
    KopruError,
    NotFoundError,
    Problem,
    TooLargeError,
    ValidationError,
)
from kernel.files import UploadedFile
from kernel.ids import derived_id
from kernel.parsing import format_instant
from kernel.periods import Period
from kernel.storing import WriteRefusedError
from reconciliation.application.account import ReadAccount
from reconciliation.application.context import TRIES, Scope
from reconciliation.domain.account import MAX_MONTHS, signed
from reconciliation.domain.difference import (
    MAX_BYTES,
    MAX_LINES,
    Case,
    CaseState,
    FileState,
    LineNote,
    Run,
    Side,
    TheirStatement,
    clean_note,
)
from reconciliation.domain.letter import Letter
from reconciliation.domain.parameters import HOME, EntryKind
from reconciliation.domain.statement_match import Comparison, Match, StatementLine, compare
from reconciliation.ports import EvidenceFiles, MatchFiles, StatementReader

_PROBLEMS: Final = 50
_PDF: Final = b"%PDF-"


class SendStatement:
    """Take a statement of the counterparty: written down, kept and read by the worker."""

    def __init__(self, scope: Scope, files: EvidenceFiles) -> None:
        self._scope = scope
        self._files = files

    def __call__(
        self,
        letter: Letter,
        counterparty_id: str,
        *,
        channel: str,
        upload_id: str = "",
        file: UploadedFile | None = None,
    ) -> TheirStatement:
        """The file was uploaded, or comes along. The same upload again is the same statement.

        Raises: NotFoundError("file_not_found"); TooLargeError; ConflictError("case_closed").
        """
        case = self._scope.store.case(letter.id)
        if case is not None and case.state is CaseState.CLOSED:
            raise case_closed()
        if file is not None:
            if len(file.content) > MAX_BYTES:
                raise TooLargeError("too_large", "A statement has at most 10 MB.")
            upload_id = self._scope.ids.new()
            self._files.keep_upload(upload_id, file)
        else:
            self._files.exists(upload_id)
        at = format_instant(self._scope.clock.now())
        statement = TheirStatement(upload_id, letter.id, counterparty_id, channel, at)
        unit = self._scope.store.unit()
        unit.add_statement(statement)
        unit.enqueue("portal", {"act": "read_statement", "statement_id": statement.id})
        try:
            unit.commit()
        except WriteRefusedError:
            return self._scope.store.statement(statement.id)
        return statement


class ReadStatement:
    """Keep a statement as evidence, read it, and order the comparison."""

    def __init__(self, scope: Scope, files: EvidenceFiles, reader: StatementReader) -> None:
        self._scope = scope
        self._files = files
        self._reader = reader

    def __call__(self, statement_id: str) -> TheirStatement:
        """Idempotent. Raises: NotFoundError; ConflictError("too_much_contention")."""
        store = self._scope.store
        for _ in range(TRIES):
            before = store.statement(statement_id)
            if before.state is not FileState.RECEIVED:
                return before
            after = self._read(before)
            unit = store.unit()
            saved = unit.save_statement(before, after, f"portal_statement.{after.state.value}")
            if after.state is FileState.READ:
                case = store.case(before.letter_id)
                letter = store.letter(before.letter_id)
                made = case or _new_case(self._scope, letter)
                if made.state is not CaseState.CLOSED:
                    changed = replace(made, statement_id=statement_id)
                    if case is None:
                        unit.add_case(changed)
                    else:
                        unit.save_case(case, changed, "portal_case.statement_arrived")
                    unit.enqueue("portal", {"act": "compare", "letter_id": letter.id})
            try:
                unit.commit()
            except WriteRefusedError:
                continue
            return saved
        raise ConflictError("too_much_contention", "Others keep changing this case.")

    def _read(self, before: TheirStatement) -> TheirStatement:
        try:
            file = self._files.upload(before.id)
        except NotFoundError as error:
            return replace(
                before, state=FileState.UNREADABLE, problems=((0, error.code, error.message),)
            )
        self._files.keep_evidence(before.id, file)
        kept = replace(
            before,
            filename=file.filename[:100],
            digest=hashlib.sha256(file.content).hexdigest(),
            size=len(file.content),
        )
        if file.content.startswith(_PDF):
            return replace(kept, state=FileState.EVIDENCE)
        try:
            lines = read_lines(self._reader, file)
        except ValidationError as error:
            found = error.problems or (Problem("", error.code, error.message),)
            problems = tuple((_line(one), one.code, one.message) for one in found)
            return replace(kept, state=FileState.UNREADABLE, problems=problems[:_PROBLEMS])
        return replace(kept, state=FileState.READ, lines=len(lines))


def read_lines(reader: StatementReader, file: UploadedFile) -> list[StatementLine]:
    """All lines of a statement. Raises: ValidationError with everything that is wrong."""
    lines: list[StatementLine] = []
    problems: list[Problem] = []
    for number, read in reader.lines(file):
        try:
            line = read()
        except KopruError as error:
            found = error.problems or (Problem("", error.code, error.message),)
            problems += [one.under(f"/rows/{number}") for one in found]
            continue
        if line is not None:
            lines.append(line)
        if len(lines) > MAX_LINES or len(problems) > _PROBLEMS:
            break
    if len(lines) > MAX_LINES:
        problems.append(Problem("", "too_many_lines", f"At most {MAX_LINES} lines."))
    if not lines and not problems:
        problems.append(Problem("", "file_empty", "There are no rows in this file."))
    if problems:
        raise ValidationError("invalid_input", "Some rows are wrong.", problems=problems)
    return lines


def _line(problem: Problem) -> int:
    parts = problem.pointer.split("/")
    return int(parts[2]) if len(parts) > 2 and parts[1] == "rows" and parts[2].isdigit() else 0


class CompareStatements:
    """Match our lines with theirs, and keep the result whole beside the case.

    Memory grows with the lines of both statements, at most 50,000 each; nothing is compared with
    everything.
    """

    def __init__(
        self,
        scope: Scope,
        files: EvidenceFiles,
        reader: StatementReader,
        results: MatchFiles,
    ) -> None:
        self._scope = scope
        self._files = files
        self._reader = reader
        self._results = results

    def __call__(self, letter_id: str) -> Case:
        """Compare as everything is now; the same again adds nothing.

        Raises: NotFoundError; ConflictError("too_much_contention").
        """
        store = self._scope.store
        for _ in range(TRIES):
            case = store.case(letter_id)
            if case is None:
                raise NotFoundError("not_found", "There is no such item.")
            if not case.statement_id or case.state is CaseState.CLOSED:
                return case
            letter = store.letter(letter_id)
            theirs = read_lines(self._reader, self._files.evidence(case.statement_id))
            first, last = _range(letter, theirs)
            ours = self._ours(letter, first, last)
            compared = compare(ours, theirs, HOME)
            run = self._keep(case, compared, first, last)
            if case.run is not None and case.run.digest == run.digest:
                return case
            unit = store.unit()
            after = replace(case, run=run, state=CaseState.COMPARED)
            saved = unit.save_case(case, after, "portal_case.compared")
            try:
                unit.commit()
            except WriteRefusedError:
                continue
            return saved
        raise ConflictError("too_much_contention", "Others keep changing this case.")

    def _ours(self, letter: Letter, first: date, last: date) -> list[StatementLine]:
        account = ReadAccount(self._scope)
        found: list[StatementLine] = []
        for card in letter.cards or (letter.counterparty_id,):
            period = Period.of(first)
            while period.first_day <= last:
                for entry in account.entries(card, period):
                    fields = entry.fields
                    counted = entry.counts and fields.kind is not EntryKind.OPENING_BALANCE
                    if (
                        counted
                        and first <= fields.document_date <= last
                        and fields.total.currency == HOME
                    ):
                        found.append(
                            StatementLine(
                                entry.key, fields.document_no, fields.document_date, signed(fields)
                            )
                        )
                period = period.next()
        return found

    def _keep(self, case: Case, compared: Comparison, first: date, last: date) -> Run:
        content = self._results.write(compared.matches)
        digest = hashlib.sha256(content).hexdigest()
        name = f"{case.letter_id}{digest[:20].upper()}"
        file = UploadedFile(content, "application/gzip", "differences.json.gz")
        self._files.keep_evidence(name, file)
        counts = Counter(match.category.value for match in compared.matches)
        return Run(
            number=(case.run.number if case.run else 0) + 1,
            at=format_instant(self._scope.clock.now()),
            statement_id=case.statement_id,
            first=first,
            last=last,
            currency=HOME,
            our_balance=compared.our_balance.minor,
            their_balance=compared.their_balance.minor,
            counts=dict(counts),
            result=name,
            digest=digest,
        )


def _range(letter: Letter, theirs: Sequence[StatementLine]) -> tuple[date, date]:
    """The letter's month, widened to the days their statement covers, three years at most."""
    days = [line.on for line in theirs]
    first = min([letter.period.first_day, *days])
    last = max([letter.period.last_day, *days])
    oldest = Period.of(last).shift(1 - MAX_MONTHS).first_day
    return max(first, oldest), last


class ShowDifferences:
    """The case of a letter: its last comparison, the lines of it, and what was said of them."""

    def __init__(self, scope: Scope, files: EvidenceFiles, results: MatchFiles) -> None:
        self._scope = scope
        self._files = files
        self._results = results

    def __call__(self, letter_id: str) -> Case | None:
        """None before anybody disagreed or sent a statement."""
        return self._scope.store.case(letter_id)

    def matches(self, case: Case) -> Iterator[Match]:
        """All lines of the last comparison, in order of date."""
        if case.run is not None:
            yield from self._results.read(self._files.evidence(case.run.result).content)

    def notes(self, letter_id: str) -> dict[str, list[LineNote]]:
        """Remarks by line, oldest first."""
        found: dict[str, list[LineNote]] = {}
        for note in self._scope.store.line_notes(letter_id):
            found.setdefault(note.line, []).append(note)
        return found


@dataclass(frozen=True, slots=True)
class Room:
    """Acts of both sides in the room of one letter."""

    scope: Scope

    def say(
        self, letter_id: str, line: str, side: Side, author: str, text: str, *, form_id: str = ""
    ) -> LineNote:
        """Add a remark; the same words from the same form again are the same remark.

        Shapes: ``form_id`` is drawn with the form. Raises: NotFoundError without a case;
        ValidationError; ConflictError("case_closed").
        """
        self._open(letter_id)
        said = clean_note(text)
        name = f"note/{letter_id}/{side.value}/{form_id}/{line}/{said}"
        identity = derived_id(name) if form_id else self.scope.ids.new()
        at = format_instant(self.scope.clock.now())
        note = LineNote(identity, line[:40], side, at, author[:100], said)
        unit = self.scope.store.unit()
        unit.add_line_note(letter_id, note)
        # Refused: it is there already.
        with suppress(WriteRefusedError):
            unit.commit()
        return note

    def again(self, letter_id: str) -> None:
        """Order a new comparison. Raises: NotFoundError; ConflictError("case_closed")."""
        self._open(letter_id)
        unit = self.scope.store.unit()
        unit.enqueue("portal", {"act": "compare", "letter_id": letter_id})
        unit.commit()

    def close(self, letter_id: str, text: str) -> Case:
        """Close the case with a note. Raises: like ``say``; ConflictError on a change meanwhile."""
        case = self._open(letter_id)
        unit = self.scope.store.unit()
        after = replace(case, state=CaseState.CLOSED, closing_note=clean_note(text))
        saved = unit.save_case(case, after, "portal_case.closed")
        unit.commit()
        return saved

    def _open(self, letter_id: str) -> Case:
        case = self.scope.store.case(letter_id)
        if case is None:
            raise NotFoundError("not_found", "There is no such item.")
        if case.state is CaseState.CLOSED:
            raise case_closed()
        return case


class LedgerChanged:
    """After lines were recorded: which open cases have to be compared again."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, counterparty_ids: Sequence[str]) -> int:
        """Order a comparison for every open case about one of these cards; gives how many."""
        store, wanted = self._scope.store, set(counterparty_ids)
        cases = [one for one in store.open_cases() if one.statement_id]
        letters = store.letters([one.letter_id for one in cases])
        ordered = 0
        for case in cases:
            letter = letters.get(case.letter_id)
            if letter is None or not wanted & {letter.counterparty_id, *letter.cards}:
                continue
            unit = store.unit()
            unit.enqueue("portal", {"act": "compare", "letter_id": case.letter_id})
            unit.commit()
            ordered += 1
        return ordered


def open_case(scope: Scope, letter: Letter) -> Case | None:
    """The case a disagreement opens; None when there is one already."""
    return None if scope.store.case(letter.id) is not None else _new_case(scope, letter)


def _new_case(scope: Scope, letter: Letter) -> Case:
    at = format_instant(scope.clock.now())
    return Case(letter.id, letter.counterparty_id, opened_at=at)


def case_closed() -> ConflictError:
    """What everybody hears who comes after the end."""
    return ConflictError("case_closed", "This case is closed.")
