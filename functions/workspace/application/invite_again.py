"""Send a new invitation to somebody who has not answered the first one."""

from dataclasses import dataclass

from kernel.errors import ConflictError
from kernel.ids import IdSource
from toolkit.auth import TenantContext
from workspace.domain.message import Message, MessageKind
from workspace.domain.user import Membership, MembershipState
from workspace.ports import SystemStore


@dataclass(frozen=True, slots=True)
class InviteAgain:
    """Adds one more invitation mail; links sent before stay good until they end."""

    store: SystemStore
    ids: IdSource

    def __call__(
        self,
        context: TenantContext,
        person_id: str,
        mail: MessageKind = MessageKind.INVITATION,
    ) -> Membership:
        """Raises: NotFoundError; ConflictError("user_not_invited")."""
        company = self.store.company(context)
        membership = company.membership(person_id)
        if membership.state is not MembershipState.INVITED:
            raise ConflictError("user_not_invited", "This person has no open invitation.")
        unit = company.unit()
        unit.add_message(
            Message(
                self.ids.new(),
                context.tenant_id,
                mail,
                person_id,
                membership.language,
            )
        )
        unit.commit()
        return membership
