"""End a session, or all of a person's sessions."""

from dataclasses import dataclass, replace

from workspace.ports import SystemStore


@dataclass(frozen=True, slots=True)
class SignOut:
    """Removes one session; its cookie is worthless from now on."""

    store: SystemStore

    def __call__(self, session_digest: str) -> None:
        """Ends the session if it is still there."""
        session = self.store.session(session_digest)
        if session is not None:
            self.store.close_session(session)


@dataclass(frozen=True, slots=True)
class SignOutEverywhere:
    """Ends every session of a person except, if wished, the one that asks."""

    store: SystemStore

    def __call__(self, person_id: str, *, keep: str | None) -> None:
        """Raises: ConflictError when the person was changed at the same moment."""
        person = self.store.person(person_id)
        epoch = person.session_epoch + 1
        unit = self.store.unit(f"user:{person_id}")
        unit.save_person(
            person, replace(person, session_epoch=epoch), "person.signed_out_everywhere"
        )
        unit.commit()
        if keep is not None:
            self.store.move_session(keep, tenant_id=None, epoch=epoch)
