"""Whose session a cookie is, and what its owner may do in one company at this moment."""

from dataclasses import dataclass

from kernel.clock import Clock
from kernel.ids import is_id
from kernel.sensitive import Secret
from toolkit.auth import Principal
from workspace.application.standing import Proved, Standing
from workspace.ports import Digest, SystemStore


@dataclass(frozen=True, slots=True)
class IdentifySession:
    """Reads session, person, membership and company now; nothing is remembered between requests."""

    store: SystemStore
    clock: Clock
    digest: Digest
    standing: Standing

    def __call__(self, token: Secret, tenant_wish: str | None, act: str = "") -> Principal | None:
        """The principal, or None for a session that is not alive; ``act`` says what it is for."""
        digest = self.digest(token.reveal("look up a session"))
        session = self.store.session(digest)
        if session is None:
            return None
        wanted = session.tenant_id if tenant_wish is None else tenant_wish
        person, membership, tenant = self.store.standing(
            session.person_id, wanted if is_id(wanted) else ""
        )
        now = self.clock.now()
        if person is None or not session.is_alive(now, person.session_epoch):
            return None
        if session.needs_touch(now):
            self.store.touch_session(digest, now)
        proved = Proved("session", session.last_proof, session.second_factor, digest, act)
        return self.standing(person, membership, tenant, proved)
