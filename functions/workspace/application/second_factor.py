"""One's own second factor: set up, in force, recovery codes, taken away; and a fresh proof."""

from dataclasses import dataclass, replace

from kernel.clock import Clock
from kernel.errors import ConflictError, Problem
from kernel.parsing import format_instant
from kernel.sensitive import Secret
from kernel.storing import WriteRefusedError
from workspace.application.entrance import PER_ACCOUNT, WINDOW
from workspace.application.finish_sign_in import ACT
from workspace.domain.problems import invalid
from workspace.domain.second_factor import (
    RECOVERY_BYTES,
    RECOVERY_CODES,
    SECRET_BYTES,
    FactorState,
    SecondFactor,
    base32_of,
    clean_code,
    code_wrong,
    confirmed,
    matching_step,
    otpauth_uri,
    proven,
    recovery_code,
    secret_of,
    started,
    without_secret,
)
from workspace.domain.user import Person
from workspace.ports import (
    Digest,
    PasswordHasher,
    SecondFactorSecrets,
    SystemStore,
    Throttle,
    Tokens,
    WorkspaceUnit,
)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The secret, shown this once: to type, and as the address an authenticator scans."""

    secret: Secret
    uri: Secret


@dataclass(frozen=True, slots=True)
class FactorDesk:
    """What all of these need."""

    store: SystemStore
    clock: Clock
    tokens: Tokens
    secrets: SecondFactorSecrets
    throttle: Throttle
    digest: Digest

    def count(self, person_id: str) -> None:
        """One more code tried; raises TooManyRequestsError above five in a quarter of an hour."""
        self.throttle.hit(ACT, person_id, limit=PER_ACCOUNT, window_seconds=WINDOW)

    def forgive(self, person_id: str) -> None:
        """The code was right."""
        self.throttle.forgive(ACT, person_id, window_seconds=WINDOW)

    def active(self, person_id: str) -> SecondFactor:
        """Raises: ConflictError("second_factor_missing")."""
        factor = self.store.second_factor(person_id)
        if factor is None or not factor.is_active:
            raise ConflictError("second_factor_missing", "No second factor is set up.")
        return factor

    def opened(self, person_id: str, factor: SecondFactor) -> bytes:
        """The secret in clear, for one comparison."""
        return secret_of(self.secrets.open(person_id, factor).reveal("check a code"))

    def new_codes(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Recovery codes as they are shown, and their hashes."""
        shown = tuple(recovery_code(self.tokens.raw(RECOVERY_BYTES)) for _ in range(RECOVERY_CODES))
        return shown, tuple(self.digest(clean_code(code)) for code in shown)

    def prove(self, person_id: str, code: str) -> None:
        """Use a code up; raises ValidationError with ``code_wrong``, TooManyRequestsError."""
        self.count(person_id)
        factor = self.active(person_id)
        secret = self.opened(person_id, factor)
        after = proven(factor, secret, code, self.clock.now(), self.digest)
        if after is None:
            raise code_wrong()
        unit = self.store.unit(f"user:{person_id}")
        unit.save_second_factor(person_id, factor, after)
        self.finish(unit)
        self.forgive(person_id)

    @staticmethod
    def finish(unit: WorkspaceUnit) -> None:
        """Commit; a code that somebody used in this moment is a wrong one."""
        try:
            unit.commit()
        except WriteRefusedError as error:
            if error.refused("second_factor"):
                raise code_wrong() from None
            raise


@dataclass(frozen=True, slots=True)
class ReadSecondFactor:
    """Whether one is set up."""

    store: SystemStore

    def __call__(self, person_id: str) -> SecondFactor | None:
        """None when there never was one, or it waits for its first code."""
        factor = self.store.second_factor(person_id)
        return factor if factor is not None and factor.is_active else None


@dataclass(frozen=True, slots=True)
class StartSecondFactor:
    """Makes a secret, shown in this answer only; beginning again replaces it."""

    desk: FactorDesk

    def __call__(self, person: Person) -> Enrolment:
        """Raises: ConflictError("second_factor_active")."""
        secret = base32_of(self.desk.tokens.raw(SECRET_BYTES))
        known = self.desk.store.second_factor(person.id)
        after = started(known, b"")
        after = replace(after, sealed=self.desk.secrets.seal(person.id, after, Secret(secret)))
        unit = self.desk.store.unit(f"user:{person.id}")
        unit.save_second_factor(person.id, known, after)
        unit.commit()
        account = person.email.reveal("name the account in the own authenticator")
        return Enrolment(Secret(secret), Secret(otpauth_uri(secret, account)))


@dataclass(frozen=True, slots=True)
class ConfirmSecondFactor:
    """The first code puts the factor in force; every other session of the person ends."""

    desk: FactorDesk

    def __call__(self, person: Person, session_digest: str, code: str) -> tuple[str, ...]:
        """The recovery codes, shown this once.

        Raises: ConflictError("second_factor_missing" | "second_factor_active"); ValidationError
        with ``code_wrong``; TooManyRequestsError.
        """
        desk = self.desk
        desk.count(person.id)
        factor = desk.store.second_factor(person.id)
        if factor is None or not factor.sealed:
            raise ConflictError("second_factor_missing", "No second factor is set up.")
        if factor.state is FactorState.ACTIVE:
            raise ConflictError("second_factor_active", "The second factor is set up already.")
        now = desk.clock.now()
        secret = desk.opened(person.id, factor)
        step = matching_step(secret, clean_code(code), now, factor.last_step)
        if step is None:
            raise code_wrong()
        shown, hashes = desk.new_codes()
        unit = desk.store.unit(f"user:{person.id}")
        after = confirmed(factor, step, hashes, format_instant(now))
        unit.save_second_factor(person.id, factor, after)
        epoch = person.session_epoch + 1
        unit.save_person(person, replace(person, session_epoch=epoch), "person.second_factor_added")
        desk.finish(unit)
        desk.forgive(person.id)
        desk.store.move_session(
            session_digest, tenant_id=None, epoch=epoch, second_factor=True, proved_at=now
        )
        return shown


@dataclass(frozen=True, slots=True)
class RenewRecoveryCodes:
    """New recovery codes; the old ones are worthless."""

    desk: FactorDesk

    def __call__(self, person: Person) -> tuple[str, ...]:
        """Raises: ConflictError("second_factor_missing")."""
        factor = self.desk.active(person.id)
        shown, hashes = self.desk.new_codes()
        unit = self.desk.store.unit(f"user:{person.id}")
        after = replace(factor, recovery=hashes, version=factor.version + 1)
        unit.save_second_factor(person.id, factor, after)
        unit.save_person(person, person, "person.recovery_codes_renewed")
        unit.commit()
        return shown


@dataclass(frozen=True, slots=True)
class RemoveSecondFactor:
    """Takes the factor away; companies that ask for one are closed from now on."""

    desk: FactorDesk

    def __call__(self, person: Person, session_digest: str) -> None:
        """Raises: ConflictError("second_factor_missing")."""
        factor = self.desk.active(person.id)
        epoch = person.session_epoch + 1
        unit = self.desk.store.unit(f"user:{person.id}")
        unit.save_second_factor(person.id, factor, without_secret(factor))
        unit.save_person(
            person, replace(person, session_epoch=epoch), "person.second_factor_removed"
        )
        unit.commit()
        self.desk.store.move_session(
            session_digest, tenant_id=None, epoch=epoch, second_factor=False
        )


@dataclass(frozen=True, slots=True)
class ProveAgain:
    """Somebody in a session proves who they are, before an act that needs it."""

    desk: FactorDesk
    hasher: PasswordHasher

    def __call__(
        self, person: Person, session_digest: str, *, password: Secret | None, code: str
    ) -> None:
        """With a second factor the code proves, otherwise the password.

        Raises: ValidationError("invalid_input") for a wrong one; TooManyRequestsError.
        """
        desk = self.desk
        factor = desk.store.second_factor(person.id)
        if factor is not None and factor.is_active:
            desk.prove(person.id, code)
        else:
            desk.count(person.id)
            known = desk.store.password_hash(person.id)
            if password is None or not self.hasher.verify(known, password):
                text = "This password is wrong."
                raise invalid(Problem("/password", "password_wrong", text))
            desk.forgive(person.id)
        desk.store.move_session(
            session_digest, tenant_id=None, epoch=None, proved_at=desk.clock.now()
        )
