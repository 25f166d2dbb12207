"""Sign-ups: asked for by anybody, seen and decided by the operator."""

from collections.abc import Callable
from dataclasses import dataclass

from kernel.clock import Clock
from kernel.errors import ConflictError, NotFoundError
from kernel.ids import IdSource
from kernel.sensitive import Tckn
from kernel.storing import Position, WriteRefusedError
from toolkit.auth import TenantContext
from workspace.application.create_tenant import enter_owner, tell_of_company
from workspace.application.invite_again import InviteAgain
from workspace.application.invite_user import PersonEntry
from workspace.application.request_password_reset import DAY, PER_DAY
from workspace.domain.message import Message, MessageKind
from workspace.domain.note import check_note
from workspace.domain.signup import (
    Agreement,
    Signup,
    SignupEntry,
    SignupState,
    approved,
    check_accountant_no,
    check_agreement,
    rejected,
)
from workspace.domain.tenant import DEFAULT_ZONE, check_language, check_name, new_tenant
from workspace.domain.user import check_person_name
from workspace.ports import Digest, Page, SystemStore, Throttle

Agreements = Callable[[str], Agreement]
"""The service agreement in force, in a language."""

Numbers = Callable[[str, Tckn], str]
"""Keyed hash of an accountant number and an identity number together."""


@dataclass(frozen=True, slots=True)
class RequestSignup:
    """Keeps a sign-up. Nothing is looked up, so known and unknown people make the same work."""

    store: SystemStore
    clock: Clock
    ids: IdSource
    throttle: Throttle
    digest: Digest
    numbers: Numbers
    agreements: Agreements

    def __call__(self, entry: SignupEntry, *, source_ip: str) -> None:
        """Raises: ValidationError for the fields; TooManyRequestsError above five a day for an
        address or twenty for a source.
        """
        self.throttle.hit("signup-source", source_ip, limit=4 * PER_DAY, window_seconds=DAY)
        key = self.digest(entry.email.reveal("count sign-ups").lower())
        self.throttle.hit("signup", key, limit=PER_DAY, window_seconds=DAY)
        agreement = self.agreements(check_language(entry.language))
        check_agreement(entry.agreement, agreement.version)
        number = check_accountant_no(entry.accountant_no)
        company = check_name(entry.company, "/company")
        unit = self.store.unit("system:signup")
        unit.add_signup(
            Signup(
                id=self.ids.new(),
                company=company,
                tax_no=entry.tax_no,
                name=check_person_name(entry.name) if entry.name else company,
                email=entry.email,
                language=entry.language,
                accountant_no=number,
                numbers=self.numbers(number, entry.national_id),
                national_id_masked=entry.national_id.masked,
                agreement=agreement.version,
                agreement_language=agreement.language,
                agreement_sha256=agreement.sha256,
                accepted_at=self.clock.now(),
                accepted_from=source_ip,
            )
        )
        unit.commit()


@dataclass(frozen=True, slots=True)
class ListSignups:
    """Sign-ups for the operator."""

    store: SystemStore

    def __call__(
        self, state: SignupState | None, *, limit: int, after: Position | None
    ) -> Page[Signup]:
        """Waiting before decided ones, each newest first."""
        return self.store.signups(state, limit=limit, after=after)


@dataclass(frozen=True, slots=True)
class ReadSignup:
    """One sign-up."""

    store: SystemStore

    def __call__(self, signup_id: str) -> Signup:
        """Raises: NotFoundError."""
        return self.store.signup(signup_id)


@dataclass(frozen=True, slots=True)
class ApproveSignup:
    """Opens the company, enters its owner and mails the activation link, in one transaction."""

    store: SystemStore
    ids: IdSource

    def __call__(self, signup_id: str, *, actor: str, correlation_id: str) -> Signup:
        """Raises: NotFoundError; ConflictError("signup_decided" | "numbers_taken")."""
        try:
            return self._approve(signup_id, actor, correlation_id)
        except WriteRefusedError as error:
            if error.refused("unique:NUMBERS"):
                raise numbers_taken() from None
            raise

    def _approve(self, signup_id: str, actor: str, correlation_id: str) -> Signup:
        before = self.store.signup(signup_id)
        tenant = new_tenant(self.ids.new(), before.company, before.language, DEFAULT_ZONE)
        context = TenantContext(tenant.id, actor, correlation_id)
        unit = self.store.unit(actor).for_tenant(context)
        tenant = unit.add_tenant(tenant)
        owner = PersonEntry(before.email, before.name, before.language)
        member = enter_owner(self.store, unit, self.ids, tenant, owner, MessageKind.ACTIVATION)
        known = self.store.person_of_numbers(before.numbers)
        if known is None:
            unit.reserve_numbers(before.numbers, member.person_id)
        elif known.id != member.person_id:
            raise numbers_taken()
        after = unit.save_signup(
            before, approved(before, tenant.id, member.person_id), "signup.approved"
        )
        tell_of_company(unit, tenant)
        unit.commit()
        return after


@dataclass(frozen=True, slots=True)
class SendActivationAgain:
    """One more activation mail for an approved sign-up whose owner has not joined yet."""

    store: SystemStore
    again: InviteAgain

    def __call__(self, signup_id: str, *, actor: str, correlation_id: str) -> Signup:
        """Raises: NotFoundError, also for one that was not approved; ConflictError
        ("user_not_invited") once the owner has joined.
        """
        signup = self.store.signup(signup_id)
        if signup.state is not SignupState.APPROVED:
            raise NotFoundError("not_found", "There is no such item.")
        context = TenantContext(signup.tenant_id, actor, correlation_id)
        self.again(context, signup.person_id, MessageKind.ACTIVATION)
        return signup


@dataclass(frozen=True, slots=True)
class RejectSignup:
    """Turns a sign-up down and tells the applicant so; the reason stays with the operator."""

    store: SystemStore
    ids: IdSource

    def __call__(self, signup_id: str, note: str, *, actor: str) -> Signup:
        """Raises: NotFoundError; ConflictError("signup_decided"); ValidationError for the note."""
        before = self.store.signup(signup_id)
        unit = self.store.unit(actor)
        after = unit.save_signup(before, rejected(before, check_note(note)), "signup.rejected")
        unit.add_message(
            Message(
                self.ids.new(),
                "",
                MessageKind.SIGNUP_REJECTED,
                "",
                before.language,
                params={"signup_id": before.id},
            )
        )
        unit.commit()
        return after


def numbers_taken() -> ConflictError:
    """The pair of numbers belongs to somebody with another address."""
    return ConflictError(
        "numbers_taken",
        "These numbers belong to another account. Compare the addresses before you decide.",
    )
