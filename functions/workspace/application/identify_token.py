"""Whose access token a bearer text is. It says who; what they may do is in our own tables."""

from dataclasses import dataclass

from kernel.ids import is_id
from kernel.sensitive import Secret
from toolkit.auth import Principal
from workspace.application.standing import Proved, Standing
from workspace.domain.user import PersonState
from workspace.ports import IdentityProvider, SystemStore


@dataclass(frozen=True, slots=True)
class IdentifyToken:
    """Asks the identity provider's keys, then our own tables, at every request."""

    store: SystemStore
    provider: IdentityProvider
    standing: Standing

    def __call__(self, token: Secret, tenant_wish: str | None, act: str = "") -> Principal | None:
        """The principal, or None for a token that is not good here or belongs to nobody of ours.

        The company is the one the request names; none is guessed. An account becomes known here
        by its first sign-in with a browser.
        """
        identity = self.provider.bearer(token)
        if identity is None:
            return None
        person_id = self.store.person_of_subject(identity.subject)
        if person_id is None:
            return None
        wanted = tenant_wish if tenant_wish is not None and is_id(tenant_wish) else ""
        person, membership, tenant = self.store.standing(person_id, wanted)
        if person is None or person.state is not PersonState.ACTIVE:
            return None
        proved = Proved("token", identity.proved_at, identity.second_factor, act=act)
        return self.standing(person, membership, tenant, proved)
