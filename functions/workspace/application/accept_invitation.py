"""Join a company: who was invited or signed up follows the link and, the first time, sets a
password.
"""

from dataclasses import dataclass, replace

from kernel.errors import Problem
from kernel.sensitive import Secret
from kernel.storing import WriteRefusedError
from toolkit.auth import TenantContext
from workspace.application.passwords import checked_password
from workspace.application.show_link import LinkView, ShowLink, link_invalid
from workspace.domain.link import LinkPurpose
from workspace.domain.problems import invalid
from workspace.domain.user import Company, MembershipState, Person, PersonState, with_company
from workspace.ports import Digest, PasswordHasher, SystemStore, Throttle

LINK_LIMIT = 10
LINK_WINDOW = 3_600


@dataclass(frozen=True, slots=True)
class AcceptInvitation:
    """Uses the link, once, and makes the membership count."""

    store: SystemStore
    show: ShowLink
    hasher: PasswordHasher
    throttle: Throttle
    digest: Digest

    def __call__(
        self,
        token: Secret,
        password: Secret | None,
        purpose: LinkPurpose = LinkPurpose.INVITATION,
    ) -> Person:
        """``purpose`` is that of the mail: an invitation, or the activation of a sign-up.

        Raises: NotFoundError("link_invalid"); ValidationError for the password;
        TooManyRequestsError after ten tries in an hour.
        """
        self.throttle.hit(
            "link",
            self.digest(token.reveal("count tries of a link")),
            limit=LINK_LIMIT,
            window_seconds=LINK_WINDOW,
        )
        view = self.show(token, purpose)
        try:
            return self._accept(view, password)
        except WriteRefusedError as error:
            if error.refused("link") or error.refused("user:"):
                raise link_invalid() from None
            raise

    def _accept(self, view: LinkView, password: Secret | None) -> Person:
        person, link = view.person, view.link
        context = TenantContext(link.tenant_id, f"user:{person.id}", link.digest[:16])
        company = self.store.company(context)
        unit = company.unit()
        if view.needs_password:
            if password is None:
                raise invalid(Problem("/password", "required", "Choose a password."))
            clear = checked_password(password, person, view.company)
            unit.set_password(person.id, self.hasher.hash(clear))
        membership = company.membership(person.id)
        unit.use_link(link)
        unit.save_membership(
            membership, replace(membership, state=MembershipState.ACTIVE), "user.joined"
        )
        joined = with_company(person, Company(link.tenant_id, view.company))
        after = unit.save_person(
            person, replace(joined, state=PersonState.ACTIVE), "person.joined_company"
        )
        unit.commit()
        return after
