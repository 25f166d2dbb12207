"""What a link in a mail leads to. Only shows: opening it a hundred times changes nothing (S24)."""

from dataclasses import dataclass

from kernel.clock import Clock
from kernel.errors import NotFoundError
from kernel.sensitive import Email, Secret
from toolkit.auth import TenantContext
from workspace.domain.link import Link, LinkPurpose
from workspace.domain.user import MembershipState, Person, PersonState
from workspace.ports import Digest, SystemStore


@dataclass(frozen=True, slots=True)
class LinkView:
    """Who is meant, for which company, and whether a password has to be set."""

    link: Link
    person: Person
    company: str
    needs_password: bool

    @property
    def email(self) -> Email:
        """Address of the person, for the password manager."""
        return self.person.email


def link_invalid() -> NotFoundError:
    """One answer for a wrong, used or expired link."""
    return NotFoundError(
        "link_invalid", "This link was used already or is too old. Ask for a new one."
    )


@dataclass(frozen=True, slots=True)
class ShowLink:
    """Reads an invitation or a password reset by its token."""

    store: SystemStore
    clock: Clock
    digest: Digest

    def __call__(self, token: Secret, purpose: LinkPurpose) -> LinkView:
        """Raises: NotFoundError("link_invalid"), whatever the reason."""
        link = self.store.link(self.digest(token.reveal("look up a link")))
        if link is None or not link.is_open(purpose, self.clock.now()):
            raise link_invalid()
        try:
            person = self.store.person(link.person_id)
            if purpose is LinkPurpose.PASSWORD_RESET:
                return LinkView(link, person, "", needs_password=True)
            context = TenantContext(link.tenant_id, f"user:{person.id}")
            company = self.store.company(context)
            membership = company.membership(person.id)
            name = company.tenant().name
        except NotFoundError:
            raise link_invalid() from None
        if membership.state is not MembershipState.INVITED:
            raise link_invalid()
        return LinkView(link, person, name, person.state is PersonState.INVITED)
