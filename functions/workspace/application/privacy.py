"""Requests of people: ask every context, hear what they answer, hand out the copy.

Also what the retention clocks need of the workspace: a run per company and month, whose answers
are the log of destruction.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from kernel.clock import Clock
from kernel.errors import ConflictError, NotFoundError
from kernel.events import Event
from kernel.ids import IdSource, derived_id
from kernel.parsing import format_instant
from kernel.personal_data import Person
from kernel.storing import CommandIdentity, Position, Remembered, WriteRefusedError
from toolkit.auth import TenantContext
from workspace.domain.events import PRIVACY_ANSWERED, PRIVACY_REQUESTED
from workspace.domain.privacy import (
    Act,
    OpenItem,
    PrivacyRequest,
    RequestState,
    check_reason,
)
from workspace.domain.tenant import DEFAULT_ZONE
from workspace.ports import Page, PrivacyDesk, PrivacyUnit, SystemStore

ACTOR: Final = "system:privacy"
_COMPANIES: Final = 100
_TRIES: Final = 5

PersonKey = Callable[[str], bytes]
"""Key of a tenant under which people are compared."""


def _ask(unit: PrivacyUnit, request: PrivacyRequest) -> None:
    unit.publish(
        PRIVACY_REQUESTED,
        f"privacy_request:{request.id}",
        {
            "request_id": request.id,
            "act": request.act.value,
            "digests": list(request.digests),
            "today": request.asked_on.isoformat(),
        },
    )


@dataclass(frozen=True, slots=True)
class RequestPrivacy:
    """Asks all contexts for what they hold about a person, or to forget it."""

    store: SystemStore
    desk: PrivacyDesk
    clock: Clock
    ids: IdSource
    person_key: PersonKey

    def __call__(
        self,
        context: TenantContext,
        act: Act,
        person: Person,
        reason: str,
        *,
        command: CommandIdentity | None = None,
        answer: Callable[[PrivacyRequest], Remembered] | None = None,
    ) -> PrivacyRequest:
        """The request; the person is nowhere in it. Raises: ValidationError naming ``/reason``."""
        zone = self.store.company(context).tenant().zone
        request = PrivacyRequest(
            id=self.ids.new(),
            act=act,
            asked_on=self.clock.today(zone),
            asked_at=format_instant(self.clock.now()),
            asked_by=context.actor,
            reason=check_reason(reason),
            digests=person.digests(self.person_key(context.tenant_id)),
        )
        unit = self.desk.company(context).unit()
        unit.add_privacy_request(request)
        _ask(unit, request)
        if command is not None and answer is not None:
            unit.remember(command, answer(request))
        unit.commit()
        return request


@dataclass(frozen=True, slots=True)
class HearPrivacyAnswer:
    """Takes the answer of one context into its request."""

    desk: PrivacyDesk
    clock: Clock

    def __call__(self, event: Event) -> None:
        """Another event, and an answer that came before, change nothing. Raises: ConflictError."""
        if not event.type.endswith(PRIVACY_ANSWERED):
            return
        context = TenantContext(event.tenant_id, ACTOR, str(event.data["request_id"]))
        requests = self.desk.company(context)
        for _ in range(_TRIES):
            before = requests.request(str(event.data["request_id"]))
            after = before.answered(
                event.context,
                status=str(event.data["status"]),
                records=int(event.data["records"]),
                files=int(event.data["files"]),
                waiting=[OpenItem(**one) for one in event.data["waiting"]],
                at=format_instant(event.time),
            )
            if after == before:
                return
            unit = requests.unit()
            unit.save_privacy_request(before, after)
            try:
                unit.commit()
            except WriteRefusedError:
                continue  # another context answered in between
            return
        raise ConflictError("too_much_contention", "Others changed the same data; try again.")


@dataclass(frozen=True, slots=True)
class ListPrivacyRequests:
    """Requests and runs of a company."""

    desk: PrivacyDesk

    def __call__(
        self, context: TenantContext, *, limit: int, after: Position | None
    ) -> Page[PrivacyRequest]:
        """Newest first."""
        return self.desk.company(context).requests(limit=limit, after=after)


@dataclass(frozen=True, slots=True)
class ReadPrivacyRequest:
    """One request."""

    desk: PrivacyDesk

    def __call__(self, context: TenantContext, request_id: str) -> PrivacyRequest:
        """Raises: NotFoundError."""
        return self.desk.company(context).request(request_id)


@dataclass(frozen=True, slots=True)
class ReadCopy:
    """The copy for a person: everything that the contexts found, in clear; looking is an act."""

    desk: PrivacyDesk

    def __call__(
        self, context: TenantContext, request_id: str
    ) -> tuple[PrivacyRequest, list[dict[str, Any]]]:
        """The request and what was found, context by context.

        Raises: NotFoundError for another kind of request, and when the copy has expired;
        ConflictError("copy_not_ready") before all contexts answered.
        """
        requests = self.desk.company(context)
        request = requests.request(request_id)
        if request.act is not Act.EXPORT:
            raise NotFoundError("not_found", "There is no such item.")
        if request.state is not RequestState.DONE:
            raise ConflictError("copy_not_ready", "Not every part has answered yet.")
        found = list(self._found(request, context))
        unit = requests.unit()
        unit.note_privacy_act(request, "privacy.copy_shown")
        unit.commit()
        return request, found

    def _found(self, request: PrivacyRequest, context: TenantContext) -> Iterator[dict[str, Any]]:
        requests = self.desk.company(context)
        for name, part in request.parts.items():
            for number in range(part.files):
                yield from requests.part(request.id, name, number)


@dataclass(frozen=True, slots=True)
class AskAgain:
    """Asks contexts again that waited for something to end (O6)."""

    desk: PrivacyDesk
    clock: Clock

    def __call__(self, limit: int = 200) -> dict[str, int]:
        """Counts."""
        asked = 0
        for tenant_id, request_id in self.desk.due(self.clock.now(), limit):
            requests = self.desk.company(TenantContext(tenant_id, ACTOR, request_id))
            request = requests.request(request_id)
            if request.state is not RequestState.WAITING:
                continue
            unit = requests.unit()
            _ask(unit, request)
            unit.commit()
            asked += 1
        return {"asked_again": asked}


@dataclass(frozen=True, slots=True)
class StartRetention:
    """Lets the time limits of the register take effect, once a month and company."""

    store: SystemStore
    desk: PrivacyDesk
    clock: Clock

    def __call__(self) -> dict[str, int]:
        """Counts; a second run of a month begins nothing."""
        begun = 0
        after: Position | None = None
        while True:
            page = self.store.tenants(limit=_COMPANIES, after=after)
            for tenant in page.items:
                today = self.clock.today(tenant.zone or DEFAULT_ZONE)
                identity = derived_id(f"retention/{tenant.id}/{today:%Y-%m}")
                context = TenantContext(tenant.id, ACTOR, identity)
                request = PrivacyRequest(
                    id=identity,
                    act=Act.RETENTION,
                    asked_on=today,
                    asked_at=format_instant(self.clock.now()),
                    asked_by=ACTOR,
                )
                unit = self.desk.company(context).unit()
                unit.add_privacy_request(request)
                _ask(unit, request)
                try:
                    unit.commit()
                except WriteRefusedError:
                    continue  # begun by an earlier run of this month
                begun += 1
            after = page.next
            if after is None:
                return {"begun": begun}
