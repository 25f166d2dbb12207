"""Minute work over all tenants: what is due gets its message again, and lists are asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from kernel.clock import Clock
from kernel.sweeping import LIMIT, Swept, give_work
from payment_codes.application.context import TRIES, Scope
from payment_codes.application.import_statement import KIND as STATEMENT_IMPORT
from payment_codes.application.pull_payments import ExpireCode
from payment_codes.domain.organisation import ConnectionState, ProviderKind
from payment_codes.domain.payment_code import WAITING
from payment_codes.domain.pull_budget import RATES, PullBucket, PullRate, split_for_feeds
from payment_codes.ports import Due, DueWork, Meter

_LATE: Final = timedelta(seconds=120)
"""Age from which news is late (PAY-04)."""


class Sweep:
    """Codes to register or expire, mails to send: at most 200 rows a run, oldest first."""

    def __init__(self, due_work: DueWork, clock: Clock, scope_of: Callable[[str], Scope]) -> None:
        self._due_work = due_work
        self._clock = clock
        self._scope_of = scope_of

    def __call__(self) -> Swept:
        now = self._clock.now()
        return give_work(self._due_work.due(now, LIMIT), self._one, now)

    def _one(self, item: Due) -> None:
        scope = self._scope_of(item.tenant_id)
        if item.kind == "job":
            job = scope.store.job(item.id)
            if job is not None:
                queue = "statement" if job.kind == STATEMENT_IMPORT else "batch"
                _enqueue(scope, queue, {"job_id": job.id, "request_id": scope.ids.new()})
        elif item.kind == "code_mail":
            mail = scope.store.mail(item.id)
            if mail is not None:
                _enqueue(scope, "mail", {"mail_id": mail.id, "code_id": mail.code_id})
        elif item.kind == "payment_code":
            if scope.store.code(item.id).registration in WAITING:
                _enqueue(scope, "issue", {"code_id": item.id})
            else:
                ExpireCode(scope)(item.id)


@dataclass(frozen=True, slots=True)
class Asked:
    """How many lists were asked for.

    Units: ``oldest_news`` is the age in seconds of the oldest complete news among the
    organisations asked for; one whose key is refused does not count, its people were told.
    """

    organisations: int = 0
    codes: int = 0
    oldest_news: int = 0


class AskForNews:
    """The pull that comes without anybody telling: organisations every minute, codes by their age.

    Every provider has a bucket of tokens (``pull_budget``); what is left over for want of a token
    comes first in the next run. ``meter`` counts what was asked and what is left, by provider.
    """

    def __init__(
        self, due_work: DueWork, clock: Clock, scope_of: Callable[[str], Scope], meter: Meter
    ) -> None:
        self._due_work = due_work
        self._clock = clock
        self._scope_of = scope_of
        self._meter = meter

    def __call__(self) -> Asked:
        now = self._clock.now()
        asked = Asked()
        for provider, rate in RATES.items():
            one = self._provider(provider, rate, now)
            asked = Asked(
                asked.organisations + one.organisations,
                asked.codes + one.codes,
                max(asked.oldest_news, one.oldest_news),
            )
        return asked

    def _provider(self, provider: ProviderKind, rate: PullRate, now: datetime) -> Asked:
        taken, tokens = self._take(provider, rate, now)
        organisations: list[Due] = []
        codes: list[Due] = []
        if tokens:
            feeds = split_for_feeds(tokens)
            organisations = self._due_work.organisations(provider, now, feeds)
            codes = self._due_work.polls(provider, now, tokens - len(organisations))
        unused = tokens - len(organisations) - len(codes)
        if unused:
            # Refused means that another run took tokens meanwhile; then these are lost, and grow
            # again within a minute.
            self._due_work.replace_bucket(taken, taken.returned(unused))
        for item in organisations:
            self._ask(item, "organisation_id")
        for item in codes:
            self._ask(item, "code_id")
        self._meter.count_at(
            provider,
            {
                "PullsAsked": len(organisations) + len(codes),
                "PullTokensLeft": taken.returned(unused).left(now),
            },
        )
        oldest = max((self._age(item, now) for item in organisations), default=0)
        return Asked(len(organisations), len(codes), oldest)

    def _take(
        self, provider: ProviderKind, rate: PullRate, now: datetime
    ) -> tuple[PullBucket, int]:
        """All tokens there are, before anything is asked: two runs at once share one bucket."""
        for _ in range(TRIES):
            bucket = self._due_work.bucket(provider, rate, now)
            tokens = bucket.left(now)
            taken = bucket.taken(tokens, now)
            if not tokens or self._due_work.replace_bucket(bucket, taken):
                return taken, tokens
        return bucket, 0

    def _ask(self, item: Due, name: str) -> None:
        scope = self._scope_of(item.tenant_id)
        _enqueue(scope, "pull", {name: item.id, "request_id": scope.ids.new()})

    def _age(self, item: Due, now: datetime) -> int:
        """Seconds since the list of an organisation was last read completely."""
        if item.known_at is not None and now - item.known_at < _LATE:
            return int((now - item.known_at).total_seconds())
        organisation = self._scope_of(item.tenant_id).store.organisation()
        if organisation is None or organisation.connection is ConnectionState.REFUSED:
            return 0
        # Never read so far: the age begins when the organisation took its present shape.
        known = item.known_at or datetime.fromisoformat(organisation.stamp.updated_at)
        return max(0, int((now - known).total_seconds()))


def _enqueue(scope: Scope, queue: str, message: dict[str, str]) -> None:
    unit = scope.store.unit()
    unit.enqueue(queue, message)
    unit.commit()
