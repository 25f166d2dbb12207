"""Set a new password by the link of a mail; every session of the person ends."""

from dataclasses import dataclass, replace

from kernel.sensitive import Secret
from kernel.storing import WriteRefusedError
from workspace.application.accept_invitation import LINK_LIMIT, LINK_WINDOW
from workspace.application.passwords import checked_password
from workspace.application.show_link import ShowLink, link_invalid
from workspace.domain.link import LinkPurpose
from workspace.domain.user import Person
from workspace.ports import Digest, PasswordHasher, SystemStore, Throttle


@dataclass(frozen=True, slots=True)
class ResetPassword:
    """Uses the link, once."""

    store: SystemStore
    show: ShowLink
    hasher: PasswordHasher
    throttle: Throttle
    digest: Digest

    def __call__(self, token: Secret, password: Secret) -> Person:
        """Raises: NotFoundError("link_invalid"); ValidationError; TooManyRequestsError."""
        self.throttle.hit(
            "link",
            self.digest(token.reveal("count tries of a link")),
            limit=LINK_LIMIT,
            window_seconds=LINK_WINDOW,
        )
        view = self.show(token, LinkPurpose.PASSWORD_RESET)
        person = view.person
        clear = checked_password(password, person, "")
        unit = self.store.unit(f"user:{person.id}")
        unit.use_link(view.link)
        unit.set_password(person.id, self.hasher.hash(clear))
        after = unit.save_person(
            person,
            replace(person, session_epoch=person.session_epoch + 1),
            "person.password_reset",
        )
        try:
            unit.commit()
        except WriteRefusedError as error:
            if error.refused("link"):
                raise link_invalid() from None
            raise
        return after
