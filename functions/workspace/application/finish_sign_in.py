"""The second step of signing in: a code, once."""

from dataclasses import dataclass
from typing import Final

from kernel.errors import NotFoundError
from kernel.sensitive import Secret
from kernel.storing import WriteRefusedError
from workspace.application.entrance import PER_ACCOUNT, WINDOW, Entrance, SignedIn
from workspace.domain.second_factor import (
    DEVICE_LIFETIME,
    SignInStep,
    StepMethod,
    clean_code,
    code_wrong,
    proven,
    secret_of,
)
from workspace.domain.user import Person
from workspace.ports import CodeDigest, SecondFactorSecrets, Throttle, WorkspaceUnit

ACT: Final = "second-step"


@dataclass(frozen=True, slots=True)
class Finished:
    """The session, and the mark of a device that was proved by mail (None otherwise)."""

    signed_in: SignedIn
    device: Secret | None


def step_gone() -> NotFoundError:
    """The step was finished, is too old, or never was: sign in again."""
    return NotFoundError("sign_in_step_gone", "This sign-in is too old. Begin again.")


@dataclass(frozen=True, slots=True)
class FinishSignIn:
    """Opens the session in the transaction that uses the code up."""

    entrance: Entrance
    secrets: SecondFactorSecrets
    throttle: Throttle
    code_digest: CodeDigest

    def __call__(self, token: Secret, code: str, *, user_agent: str) -> Finished:
        """Raises: NotFoundError("sign_in_step_gone"); ValidationError with ``code_wrong``;
        UnauthorizedError without any company left; TooManyRequestsError after five codes of a
        person in a quarter of an hour.
        """
        door = self.entrance
        step = door.store.step(door.digest(token.reveal("look up a step")))
        if step is None:
            raise step_gone()
        person = door.store.person(step.person_id)
        if not step.is_open(door.clock.now(), person.session_epoch):
            raise step_gone()
        self.throttle.hit(ACT, person.id, limit=PER_ACCOUNT, window_seconds=WINDOW)
        first = door.first_of(person, door.companies(person))
        unit = door.store.unit(f"user:{person.id}")
        unit.use_step(step)
        device = self._prove(unit, step, person, code)
        by_app = step.method is StepMethod.TOTP
        try:
            done = door.open(person, first, user_agent, second_factor=by_app, unit=unit)
        except WriteRefusedError as error:
            if error.refused("step"):
                raise step_gone() from None
            if error.refused("second_factor"):
                raise code_wrong() from None
            raise
        self.throttle.forgive(ACT, person.id, window_seconds=WINDOW)
        return Finished(done, device)

    def _prove(
        self, unit: WorkspaceUnit, step: SignInStep, person: Person, code: str
    ) -> Secret | None:
        """Add what proving the code changes; a device mark for a mailed one."""
        door = self.entrance
        now = door.clock.now()
        if step.method is StepMethod.TOTP:
            factor = door.store.second_factor(person.id)
            if factor is None or not factor.is_active:
                raise step_gone()
            secret = secret_of(self.secrets.open(person.id, factor).reveal("check a code"))
            after = proven(factor, secret, code, now, door.digest)
            if after is None:
                raise code_wrong()
            unit.save_second_factor(person.id, factor, after)
            return None
        if self.code_digest(step.digest, clean_code(code)) not in door.store.step_codes(step):
            raise code_wrong()
        device = door.tokens.new()
        digest = door.digest(device.reveal("store the hash of a device"))
        unit.add_device(digest, person.id, now + DEVICE_LIFETIME)
        return device
