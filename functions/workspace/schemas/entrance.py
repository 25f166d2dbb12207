"""Signing in, second factors, sessions and a person's own preferences."""

from collections.abc import Iterable

from toolkit.http.fields import EdgeModel
from workspace.domain.second_factor import SecondFactor
from workspace.domain.user import (
    Person,
)
from workspace.ports import (
    OpenSession,
)
from workspace.schemas.fields import ApiEmail, Json, Language, Password, ShortText, Theme, Token


class SignInIn(EdgeModel):
    """Body of signing in: with a mail address, or with accountant number and identity number."""

    email: ShortText | None = None
    accountant_no: ShortText | None = None
    national_id: Password | None = None
    password: Password


class SecondStepIn(EdgeModel):
    """Body of the second step of signing in."""

    token: Token
    code: ShortText


class CodeIn(EdgeModel):
    """Body of the first code of a new authenticator."""

    code: ShortText


class ProofIn(EdgeModel):
    """Body of proving oneself again: the password, or a code where a second factor is set up."""

    password: Password | None = None
    code: ShortText = ""


class ResetIn(EdgeModel):
    """Body of asking for a new password."""

    email: ApiEmail


class NewPasswordIn(EdgeModel):
    """Body of setting a password by the token of a mail."""

    token: Token
    password: Password


class AcceptanceIn(EdgeModel):
    """Body of accepting an invitation; people who have a password need none."""

    token: Token
    password: Password | None = None


class PreferencesIn(EdgeModel):
    """Body of changing one's preferences."""

    language: Language | None = None
    theme: Theme | None = None


def account_out(person: Person, tenant_id: str, roles: Iterable[str], csrf_token: str) -> Json:
    """Oneself: what a client of a signed-in person needs to go on."""
    return {
        "id": person.id,
        "email": person.email.reveal("own account"),
        "name": person.name,
        "language": person.language,
        "theme": person.theme,
        "tenant_id": tenant_id or None,
        "roles": list(roles),
        "tenants": [{"id": company.id, "name": company.name} for company in person.companies],
        "csrf_token": csrf_token,
    }


def session_out(session: OpenSession, this: str) -> Json:
    """One of one's own sessions."""
    return {
        "id": session.id,
        "device": session.device or None,
        "created_at": session.created_at,
        "current": session.digest == this,
    }


def factor_out(factor: SecondFactor | None) -> Json:
    """Whether a second factor is set up, and how many recovery codes are left."""
    return {
        "active": factor is not None,
        "confirmed_at": factor.confirmed_at if factor else None,
        "recovery_codes_left": len(factor.recovery) if factor else 0,
    }
