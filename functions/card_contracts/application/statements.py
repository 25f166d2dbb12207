"""Import bank statements and match them with what banks owe (CRD-05).

A file is read twice: once whole, to know everything that is wrong (then nothing of it is used), and
once to store its lines in chunks, each once for ever by its content. Then the days of the file are
matched in their order, unless the file brought nothing new. A worker that dies or runs out of time
goes on with what is not done.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, timedelta
from itertools import islice
from typing import Any, Final

from card_contracts.application.context import Scope
from card_contracts.application.matches import Settle, WatchDrift, weight_of
from card_contracts.domain.matching import DayResult, Rules, match
from card_contracts.domain.settlement import (
    BankLine,
    LineState,
    Match,
    accounts_paid_into,
    bank_line,
    match_of,
)
from card_contracts.ports import JobView
from kernel.bank_statement import (
    LineKeys,
    StatementEntry,
    StatementItem,
    StatementProblem,
    StatementSummary,
    entries_of,
)
from kernel.errors import Problem, ValidationError
from kernel.files import UploadedFile
from kernel.statement_jobs import (
    RESERVE,
    UNREADABLE,
    Profile,
    StatementFiles,
    StatementJobs,
    checked,
    keep_statement,
    statements_out,
)
from kernel.storing import CommandIdentity, WriteRefusedError

CARD_STATEMENT_IMPORTED: Final = "card_contracts.StatementImported.v1"
KIND: Final = "card_statement_import"
CHUNK: Final = 90
_WRITES: Final = 90  # of one transaction, beside counters that its matches share
_DAYS_BACK: Final = 400  # how far "look again" looks


class StartStatementImport:
    """Keep the file and start a job; nothing is read in the request itself."""

    def __init__(self, scope: Scope, files: StatementFiles) -> None:
        self._scope = scope
        self._files = files

    def __call__(
        self,
        *,
        upload_id: str | None = None,
        file: UploadedFile | None = None,
        account: str = "",
        dry_run: bool = False,
        profile: Profile = None,
        command: CommandIdentity | None = None,
    ) -> str:
        """Id of the job. ``account`` is the code of the account, for files that do not name it.

        Raises: NotFoundError for an unknown upload; ValidationError for a wrong profile or account.
        """
        jobs = _jobs(self._scope)
        if (known := jobs.answered(command)) is not None:
            return known
        upload_id = keep_statement(
            self._files,
            self._scope.ids,
            upload_id,
            file,
            profile,
            lambda: _check_account(self._scope, account) if account else None,
        )
        private = {
            "upload_id": upload_id,
            "account": account,
            "dry_run": dry_run,
            "profile": profile or "",
        }
        return jobs.begin(private, command)


class LookAgain:
    """Match the lines of an account that still wait: after new sales, or with other tolerances."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, account: str, command: CommandIdentity | None = None) -> str:
        """Id of the job. Raises: ValidationError for an unknown account."""
        jobs = _jobs(self._scope)
        if (known := jobs.answered(command)) is not None:
            return known
        _check_account(self._scope, account)
        private = {"upload_id": "", "account": account, "dry_run": False, "profile": ""}
        return jobs.begin(private, command)


def _jobs(scope: Scope) -> StatementJobs:
    return StatementJobs(scope.store, scope.ids, KIND, subject="card_statement", queue="import")


def _check_account(scope: Scope, account: str) -> None:
    if account not in {one.code for one in scope.store.bank_accounts()}:
        problem = Problem("/bank_account_code", "unknown", "There is no such bank account.")
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=[problem])


class _Accounts:
    """Which account of ours a statement is of."""

    def __init__(self, scope: Scope, chosen: str) -> None:
        known = scope.store.bank_accounts()
        self.links = [(one.code, one.linked_account_code) for one in known]
        lands = {code: lands or code for code, lands in self.links}
        self.chosen = lands.get(chosen, chosen)
        self._by_iban = {
            one.iban.reveal("match"): lands[one.code] for one in known if one.iban is not None
        }

    def of(self, number: str) -> str:
        """Code of the account where the money lands; empty when it is not known."""
        found = self._by_iban.get(number, "")
        if self.chosen and found in ("", self.chosen):
            return self.chosen
        return "" if self.chosen else found


class ImportStatement:
    """Work of one import, as far as the time goes."""

    def __init__(self, scope: Scope, files: StatementFiles) -> None:
        self._scope = scope
        self._files = files
        self._jobs = _jobs(scope)
        self._rules = Rules()
        self._settle = Settle(scope)

    def __call__(self, job_id: str, *, remaining: Callable[[], float]) -> None:
        """Idempotent: a redelivered job goes on with what is not done."""
        store = self._scope.store
        job = store.job(job_id)
        if job is None or job.status not in {"queued", "running"}:
            return
        store.lease_job(job_id)
        accounts = _Accounts(self._scope, str(job.private["account"]))
        self._rules = store.settings().rules
        if not job.private["upload_id"]:
            self._look_again(job_id, accounts, remaining)
            return
        try:
            if not job.prepared and not self._check(job, accounts):
                return
            self._work(job_id, accounts, remaining)
        except UNREADABLE as error:
            self._jobs.refuse_file(job_id, error)

    def _items(self, job: JobView) -> Any:
        return self._files.read(str(job.private["upload_id"]), job.private["profile"] or None)

    # ------------------------------------------------------------------ check

    def _check(self, job: JobView, accounts: _Accounts) -> bool:
        """Read the whole file; False when the job is over, or somebody else's."""
        with self._items(job) as items:
            check = checked(_with_accounts(items, accounts))
        if check.problem_count:
            self._jobs.refuse(job.id, check)
            return False
        if job.private["dry_run"]:
            self._jobs.end(job.id, "succeeded", {"dry_run": True, "lines": check.entries})
            return False
        unit = self._scope.store.unit()
        unit.prepare_job(job.id, check.entries)
        try:
            unit.commit()
        except WriteRefusedError:
            return False  # another worker is at it
        return True

    # ------------------------------------------------------------------ lines

    def _work(self, job_id: str, accounts: _Accounts, remaining: Callable[[], float]) -> None:
        job = self._scope.store.job(job_id)
        if job is None:
            return
        keys, seen = LineKeys(), 0
        days: dict[str, tuple[date, date]] = {}
        summaries: list[StatementSummary] = []
        with self._items(job) as items:
            entries = entries_of(items, summaries)
            while rows := list(islice(entries, CHUNK)):
                # Ids count how often a line came, so lines that are done are counted too.
                lines = [_line(entry, keys, accounts, job_id) for entry in rows]
                for line in lines:
                    first, last = days.get(line.account, (line.day, line.day))
                    days[line.account] = (min(first, line.day), max(last, line.day))
                if seen >= job.done:
                    if remaining() < RESERVE:
                        self._jobs.go_on(job_id)
                        return
                    if not self._store(job_id, seen, lines):
                        return
                seen += len(lines)
        stored = self._scope.store.job(job_id)
        brought = stored is not None and stored.counts.get("new", 0) > 0
        # The same file again changes nothing; to look again is a wish of its own.
        for account, (first, last) in sorted(days.items()) if brought else ():
            if not self._match(job_id, account, first, last, accounts, remaining):
                return
        self._conclude(job_id, summaries, days)

    def _look_again(self, job_id: str, accounts: _Accounts, remaining: Callable[[], float]) -> None:
        last = self._scope.today()
        first = last - timedelta(days=_DAYS_BACK)
        account = accounts.chosen
        if self._match(job_id, account, first, last, accounts, remaining):
            self._conclude(job_id, (), {account: (first, last)})

    def _store(self, job_id: str, seen: int, lines: Sequence[BankLine]) -> bool:
        """Store the lines that are new; False when another worker did."""
        known = self._scope.store.known_lines(lines)
        new = [line for line in lines if line.key not in known]
        unit = self._scope.store.unit()
        unit.add_bank_lines(new)
        counts = {"new": len(new), "known": len(lines) - len(new)}
        unit.step_job(job_id, seen=seen, done=seen + len(lines), counts=counts)
        try:
            unit.commit()
        except WriteRefusedError as error:
            if error.refused("job"):
                return False
            return self._store(job_id, seen, lines)  # another file brought some of them
        return True

    # ------------------------------------------------------------------ matches

    def _match(
        self,
        job_id: str,
        account: str,
        first: date,
        last: date,
        accounts: _Accounts,
        remaining: Callable[[], float],
    ) -> bool:
        """Match the open lines of an account; False when there is no time for the rest."""
        store, rules = self._scope.store, self._rules
        since = first - timedelta(days=rules.late_days + rules.joined_days)
        until = last + timedelta(days=rules.early_days)
        # A suggestion holds its receivables until somebody decides.
        held = store.suggested_members(since, until)
        owed = store.owed(since, until, accounts_paid_into(accounts.links, account))
        movements = (
            line.movement()
            for line in store.bank_lines(account, first, last)
            if line.state is LineState.OPEN
        )
        free = (one for one in owed if one.key not in held)
        for result in match(movements, free, rules):
            if remaining() < RESERVE:
                self._jobs.go_on(job_id)
                return False
            self._keep(job_id, account, result)
        return True

    def _keep(self, job_id: str, account: str, result: DayResult) -> None:
        made = [(match_of(found, account, job_id), found.sure) for found in result.found]
        for batch in _batches(made):
            self._add(job_id, batch)
        again = sorted(result.again)
        for start in range(0, len(again), _WRITES):
            self._flag(account, again[start : start + _WRITES])

    def _add(self, job_id: str, batch: Sequence[tuple[Match, bool]]) -> None:
        """Write some matches at once; what was taken meanwhile costs only its own match."""
        unit = self._scope.store.unit()
        moving = []
        for made, sure in batch:
            after = self._settle.add(made, sure=sure, unit=unit)
            unit.advance_job(job_id, {f"n_{'confirmed' if sure else 'suggested'}": 1})
            moving += [after.id] if after.is_moving else []
        try:
            unit.commit()
        except WriteRefusedError:
            for one in batch if len(batch) > 1 else ():
                self._add(job_id, [one])
            return  # alone: turned down before, or part of it was taken meanwhile
        for match_id in moving:
            self._settle.finish(match_id)

    def _flag(self, account: str, keys: Sequence[str]) -> None:
        unit = self._scope.store.unit()
        for key in keys:
            unit.flag_line(account, key)
        try:
            unit.commit()
        except WriteRefusedError:
            for key in keys if len(keys) > 1 else ():
                self._flag(account, [key])  # one of them was matched meanwhile

    # ------------------------------------------------------------------ the end

    def _conclude(
        self,
        job_id: str,
        summaries: Sequence[StatementSummary],
        days: Mapping[str, tuple[date, date]],
    ) -> None:
        job = self._scope.store.job(job_id)
        if job is None:
            return
        if days:
            first = min(first for first, _ in days.values())
            last = max(last for _, last in days.values())
            WatchDrift(self._scope)(first.isoformat()[:7], last.isoformat()[:7])
        result: dict[str, Any] = {
            "dry_run": False,
            "lines": job.total,
            "counts": dict(job.counts),
            **statements_out(summaries),
        }
        unit = self._scope.store.unit()
        unit.finish_job(job_id, "succeeded", result=result, total=job.total)
        unit.publish(
            CARD_STATEMENT_IMPORTED,
            f"card_statement:{job_id}",
            {"job_id": job_id, "lines": job.total, "counts": dict(job.counts)},
        )
        with suppress(WriteRefusedError):  # another worker ended it
            unit.commit()


def _batches(
    made: Sequence[tuple[Match, bool]],
) -> Iterator[Sequence[tuple[Match, bool]]]:
    """Matches that fit one transaction together; a large one stands alone."""
    batch: list[tuple[Match, bool]] = []
    room = _WRITES
    for one in made:
        weight = weight_of(one[0])
        if batch and weight > room:
            yield batch
            batch, room = [], _WRITES
        batch.append(one)
        room -= weight
    if batch:
        yield batch


def _line(entry: StatementEntry, keys: LineKeys, accounts: _Accounts, job_id: str) -> BankLine:
    account = accounts.of(entry.account)
    return bank_line(entry, keys.of(entry, f"card/{account}"), account, job_id)


def _with_accounts(items: Iterator[StatementItem], accounts: _Accounts) -> Iterator[StatementItem]:
    """The items, and a problem where an account begins that is not ours."""
    told: set[str] = set()
    for item in items:
        yield item
        if isinstance(item, StatementEntry) and item.account not in told:
            told.add(item.account)
            if not accounts.of(item.account):
                message = "This account is no bank account of yours; add its IBAN, or choose one."
                yield StatementProblem(item.place, "account_unknown", message)
