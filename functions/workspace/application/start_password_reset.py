"""The quiet half of a password reset: mail a link if the address belongs to somebody."""

from dataclasses import dataclass

from kernel.clock import Clock
from kernel.storing import WriteRefusedError
from workspace.domain.message import Message, MessageKind
from workspace.domain.user import PersonState
from workspace.ports import SystemStore


@dataclass(frozen=True, slots=True)
class StartPasswordReset:
    """Queues at most one mail for a wish; the wish's id is the mail's id, so twice is once."""

    store: SystemStore
    clock: Clock

    def __call__(self, request_id: str) -> None:
        """Does nothing for an unknown wish, an old one or an address of nobody."""
        request = self.store.reset_request(request_id)
        if request is None or request.expires_at <= self.clock.now():
            return
        person = self.store.person_of_digest(request.email_digest)
        if person is None or person.state is not PersonState.ACTIVE:
            return
        unit = self.store.unit("system:password_reset")
        unit.add_message(
            Message(request.id, "", MessageKind.PASSWORD_RESET, person.id, person.language)
        )
        try:
            unit.commit()
        except WriteRefusedError as error:
            if not error.refused("message:"):
                raise
