"""Runs: letters of a month made and mailed, by a person or on the day the company set (REC-02)."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from kernel.errors import ConflictError, Problem, ValidationError
from kernel.ids import derived_id
from kernel.periods import Period
from kernel.storing import CommandIdentity, Remembered, WriteRefusedError
from reconciliation.application.attention import letter_attention
from reconciliation.application.context import TRIES, ZONE, Scope, TryAgainError
from reconciliation.application.letters import (
    Asked,
    MakeLetters,
    asked_now,
    queue_mail,
    released,
)
from reconciliation.application.templates import draft_changed, problems_by_language
from reconciliation.domain.counterparty import CounterpartyState
from reconciliation.domain.ledger import Form
from reconciliation.domain.letter import WAITS, Letter, LetterState, closed_as
from reconciliation.domain.letter_template import LetterText
from reconciliation.domain.mailing import (
    MailingSettings,
    next_open_day,
    next_reminder,
    open_on,
    period_of_window,
)
from reconciliation.ports import JobView

KIND: Final = "letter_mailing"
DUE: Final = "due"
"""Stands in a message for the job of the day that came; its worker finds out which one it is."""
MAX_CHOSEN: Final = 500
_MORNING: Final = time(9)
_ENOUGH_SECONDS: Final = 20
"""A chunk of letters is written within a second; what is left is for the last one."""
_LOOK_BACK: Final = 3
"""Months before the present one whose letters are reminded of or closed."""


def next_run(scope: Scope, settings: MailingSettings, *, today_too: bool) -> datetime | None:
    """When the company's letters leave by themselves the next time: nine in the morning."""
    zone, today = ZoneInfo(ZONE), scope.today()
    morning = datetime.combine(today, _MORNING, zone)
    if today_too and open_on(settings, today, scope.calendar()):
        return max(scope.clock.now(), morning)
    day = next_open_day(settings, today, scope.calendar())
    return datetime.combine(day, _MORNING, zone) if day is not None else None


class SaveMailingSettings:
    """Change how letters are mailed; the next run follows.

    Letter texts stated with it become drafts where they differ from the newest version: mails use
    them when somebody has released them, not before.
    Raises: ValidationError; PreconditionFailedError.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(
        self,
        settings: MailingSettings,
        version: int,
        texts: Mapping[str, LetterText] = MappingProxyType({}),
    ) -> MailingSettings:
        """``texts`` by language."""
        scope = self._scope
        if problems := [*settings.problems(), *problems_by_language(texts)]:
            raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)
        before = scope.store.mailing_settings()
        scope.expect(before.stamp.version, version)
        unit = scope.store.unit()
        at = next_run(scope, settings, today_too=True)
        saved = unit.save_mailing_settings(before, replace(settings, stamp=before.stamp), at)
        if texts:
            draft_changed(unit, scope.store.templates(), texts)
        scope.commit(unit)
        return saved


class StartMailing:
    """Make and mail the letters of a month now, outside of the window too.

    Raises: ConflictError("template_missing" | "sender_missing"); ValidationError for a month that
    is not over, or too many chosen counterparties.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(
        self,
        period: Period,
        forms: Sequence[Form],
        counterparty_ids: Sequence[str] | None,
        command: CommandIdentity | None = None,
    ) -> str:
        """Id of the job."""
        store = self._scope.store
        if command is not None and (repeated := store.answered(command)) is not None:
            return str(repeated.body["id"])
        self._check(period, counterparty_ids)
        job_id = self._scope.ids.new()
        unit = store.unit()
        private = {
            "period": str(period),
            "forms": [form.value for form in forms],
            "counterparty_ids": None if counterparty_ids is None else list(counterparty_ids),
            "automatic": False,
        }
        unit.create_job(job_id, KIND, subject=f"{KIND}:{period}", private=private)
        unit.enqueue("mailing", {"job_id": job_id})
        if command is not None:
            unit.remember(command, Remembered(202, {"id": job_id}, {}))
        try:
            unit.commit()
        except WriteRefusedError as error:
            if command is None or not error.refused("idempotency"):
                raise
            first = store.answered(command)
            if first is None:
                raise
            return str(first.body["id"])
        return job_id

    def _check(self, period: Period, counterparty_ids: Sequence[str] | None) -> None:
        problems = []
        if period >= Period.of(self._scope.today()):
            text = "The month is not over yet; its figures still grow."
            problems.append(Problem("/period", "period_open", text))
        if counterparty_ids is not None and not 1 <= len(counterparty_ids) <= MAX_CHOSEN:
            text = f"Choose 1 to {MAX_CHOSEN} counterparties, or all."
            problems.append(Problem("/counterparty_ids", "range", text))
        if problems:
            raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)
        if not self._scope.store.mailing_settings().sender.title:
            raise ConflictError("sender_missing", "Say first who the letters are from.")
        if not released(self._scope.store.templates()):
            raise ConflictError("template_missing", "Release a letter text first.")


class StartDueRun:
    """On its day: begin the run of a company, once for each date, and set the next one."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self) -> str:
        """Id of the job of today, empty when nothing leaves today."""
        scope, today = self._scope, self._scope.today()
        settings = scope.store.mailing_settings()
        following = next_run(scope, settings, today_too=False)
        if open_on(settings, today, scope.calendar()):
            unit = scope.store.unit()
            job_id = derived_id(f"{scope.tenant_id}/{KIND}/{today.isoformat()}")
            private = {
                "period": str(period_of_window(settings, today)),
                "forms": [form.value for form in settings.forms],
                "counterparty_ids": None,
                "automatic": True,
            }
            subject = f"{KIND}:{private['period']}"
            unit.create_job(job_id, KIND, subject=subject, private=private)
            unit.set_next_run(following)
            # Refused: begun already, by a worker that died or by a second message.
            with suppress(WriteRefusedError):
                unit.commit()
            return job_id
        unit = scope.store.unit()
        unit.set_next_run(following)
        unit.commit()
        return ""


@dataclass(frozen=True, slots=True)
class RunMailing:
    """Make the letters of one job and ask for their mails; remind and close what is older."""

    scope: Scope

    def __call__(self, job_id: str, *, remaining: Callable[[], float]) -> None:
        """Idempotent: a redelivered job finds what it did and goes on. A run that is too long for
        one worker gives itself a new message in time.
        """
        store = self.scope.store
        if job_id == DUE:
            job_id = StartDueRun(self.scope)()
        job = store.job(job_id) if job_id else None
        if job is None or job.status not in {"queued", "running"}:
            return
        store.start_job(job_id)
        try:
            counts = self._make(job, lambda: remaining() > _ENOUGH_SECONDS)
        except TryAgainError:
            unit = store.unit()
            unit.enqueue("mailing", {"job_id": job_id})
            unit.commit()
            return
        self._end(job_id, counts)

    def _make(self, job: JobView, enough_time: Callable[[], bool]) -> Counter[str]:
        store = self.scope.store
        settings = store.mailing_settings()
        private, job_id = job.private, job.id
        automatic = bool(private["automatic"])
        asked = asked_now(self.scope, settings, automatic=automatic)
        period = Period.parse(private["period"])
        counts: Counter[str] = Counter()
        if not automatic or open_on(settings, self.scope.today(), self.scope.calendar()):
            make = MakeLetters(self.scope)
            for form in private["forms"]:
                only = private["counterparty_ids"]
                counts += make(
                    period,
                    Form(form),
                    settings,
                    asked,
                    only=only,
                    job_id=job_id,
                    enough_time=enough_time,
                )
            if automatic:
                counts += Remind(self.scope)(settings, asked)
        return counts

    def _end(self, job_id: str, counts: Mapping[str, int]) -> None:
        problems: list[Mapping[str, Any]] = [
            {"pointer": "", "code": f"letters_{name}", "message": f"{counts[name]}"}
            for name in ("without_text", "without_address", "outdated", "removed")
            if counts.get(name)
        ]
        unit = self.scope.store.unit()
        missing = counts.get("without_text", 0)
        total = counts.get("drafted", 0) + counts.get("known", 0) + missing
        unit.finish_job(
            job_id,
            "partially_succeeded" if missing else "succeeded",
            result=dict(counts),
            problems=problems,
            total=total,
            failed=missing,
        )
        try:
            unit.commit()
        except WriteRefusedError:
            return  # another worker closed it


class Remind:
    """Remind those who have not answered, and close letters whose time is over."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, settings: MailingSettings, asked: Asked) -> Counter[str]:
        """How many were ``reminded`` and ``expired``."""
        counts: Counter[str] = Counter()
        present = Period.of(self._scope.today())
        for back in range(1, _LOOK_BACK + 1):
            for letter in self._scope.store.letters_of(present.shift(-back)):
                counts += self._one(letter, settings, asked)
        return counts

    def _one(self, letter: Letter, settings: MailingSettings, asked: Asked) -> Counter[str]:
        today = self._scope.today()
        for _ in range(TRIES):
            if letter.state not in WAITS:
                return Counter()
            over = date.fromisoformat(letter.sent_at[:10]) + timedelta(days=settings.answer_days)
            unit = self._scope.store.unit()
            if over < today:
                after = closed_as(letter, LetterState.EXPIRED)
                unit.save_letter(letter, after, "letter.expired")
                letter_attention(unit, letter, after)
                done = "expired"
            elif letter.remind_on is not None and letter.remind_on <= today:
                after = self._reminded(letter, settings, asked, unit)
                unit.save_letter(letter, after, "letter.reminded", {"reminder": after.reminders})
                done = "reminded"
            else:
                return Counter()
            try:
                unit.commit()
            except WriteRefusedError:
                letter = self._scope.store.letter(letter.id)
                continue
            return Counter({done: 1})
        return Counter()

    def _reminded(
        self, letter: Letter, settings: MailingSettings, asked: Asked, unit: Any
    ) -> Letter:
        cards = self._scope.store.counterparties([letter.counterparty_id])
        card = cards[letter.counterparty_id]
        number = letter.reminders + 1
        sent_on = date.fromisoformat(letter.sent_at[:10])
        following = next_reminder(settings, sent_on, number, letter.put_off_days)
        after = replace(letter, reminders=number, remind_on=following)
        if card.state is CounterpartyState.ACTIVE:
            for to in card.fields.emails:
                after = queue_mail(self._scope, unit, after, to, f"reminder-{number}", asked)
        return after
