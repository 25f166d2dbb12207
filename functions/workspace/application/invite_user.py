"""Invite somebody into a company, with roles and perhaps an end; the mail carries the link."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date

from kernel.errors import ConflictError, NotFoundError
from kernel.ids import IdSource
from kernel.sensitive import Email
from kernel.storing import CommandIdentity, Remembered, WriteRefusedError
from toolkit.auth import TenantContext
from workspace.domain.message import Message, MessageKind
from workspace.domain.tenant import check_language
from workspace.domain.user import (
    Membership,
    MembershipState,
    Person,
    check_mandate,
    check_person_name,
    check_roles,
)
from workspace.ports import SystemStore, WorkspaceUnit


@dataclass(frozen=True, slots=True)
class PersonEntry:
    """Somebody as the inviter knows them."""

    email: Email
    name: str
    language: str


@dataclass(frozen=True, slots=True)
class Mandate:
    """What somebody may do in a company, and from when until when (both inclusive)."""

    roles: tuple[str, ...]
    since: date | None = None
    until: date | None = None


def enter_person(
    store: SystemStore, unit: WorkspaceUnit, ids: IdSource, entry: PersonEntry
) -> Person:
    """The person with this address, added to the unit when there is none yet."""
    known = store.person_of(entry.email)
    if known is not None:
        return known
    return unit.add_person(Person(ids.new(), entry.email, entry.name, entry.language))


@dataclass(frozen=True, slots=True)
class InviteUser:
    """Adds a membership in state ``invited`` and the mail that goes with it."""

    store: SystemStore
    ids: IdSource

    def __call__(
        self,
        context: TenantContext,
        *,
        email: Email,
        name: str,
        roles: Iterable[str],
        language: str,
        since: date | None = None,
        until: date | None = None,
        command: CommandIdentity | None = None,
        answer: Callable[[Membership], Remembered] | None = None,
    ) -> Membership:
        """Raises: ConflictError("user_exists") for a member; ParseError, ValidationError."""
        entry = PersonEntry(email, check_person_name(name), check_language(language))
        wanted = check_roles(roles)
        check_mandate(since, until)
        mandate = Mandate(wanted, since, until)
        try:
            return self._invite(context, entry, mandate, command, answer)
        except WriteRefusedError as error:
            if not error.refused("unique:EMAIL"):
                raise
            # Two companies invited the same new person at once: now the person exists.
            return self._invite(context, entry, mandate, command, answer)

    def _invite(
        self,
        context: TenantContext,
        entry: PersonEntry,
        mandate: Mandate,
        command: CommandIdentity | None,
        answer: Callable[[Membership], Remembered] | None,
    ) -> Membership:
        company = self.store.company(context)
        unit = company.unit()
        person = enter_person(self.store, unit, self.ids, entry)
        wanted = Membership(
            person.id,
            entry.email,
            entry.name,
            mandate.roles,
            entry.language,
            since=mandate.since,
            until=mandate.until,
        )
        membership = self._enter(context, unit, wanted)
        unit.add_message(
            Message(
                self.ids.new(),
                context.tenant_id,
                MessageKind.INVITATION,
                person.id,
                entry.language,
            )
        )
        if command is not None and answer is not None:
            unit.remember(command, answer(membership))
        unit.commit()
        return membership

    def _enter(self, context: TenantContext, unit: WorkspaceUnit, wanted: Membership) -> Membership:
        try:
            known = self.store.company(context).membership(wanted.person_id)
        except NotFoundError:
            return unit.add_membership(wanted, "user.invited")
        if known.state is not MembershipState.REMOVED:
            raise ConflictError("user_exists", "This person belongs to the company already.")
        return unit.save_membership(known, replace(wanted, stamp=known.stamp), "user.invited")
