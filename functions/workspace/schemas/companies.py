"""Companies, their people, API keys, sign-ups and support access."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from kernel.sensitive import Secret
from toolkit.http.fields import EdgeModel
from workspace.domain.api_key import ApiKey
from workspace.domain.glance import CompanyGlance
from workspace.domain.signup import (
    Agreement,
    Signup,
    SignupEntry,
)
from workspace.domain.support import SupportView
from workspace.domain.tenant import DEFAULT_ZONE, Tenant
from workspace.domain.user import (
    Membership,
)
from workspace.schemas.fields import (
    AccountantNo,
    ApiDate,
    ApiEmail,
    ApiTckn,
    Codes,
    CompanyName,
    Json,
    Language,
    PersonName,
    Roles,
    RolesOrNone,
    ShortText,
    TaxNo,
    Zone,
    day,
    instant,
    moment,
)


class OwnerIn(EdgeModel):
    """The first person of a new company."""

    email: ApiEmail
    name: PersonName


class TenantIn(EdgeModel):
    """Body of opening a company."""

    name: CompanyName
    language: Language = "tr"
    zone: Zone = DEFAULT_ZONE
    owner: OwnerIn
    issue_api_key: bool = False


class TenantPatch(EdgeModel):
    """Body of changing the company."""

    name: CompanyName | None = None
    language: Language | None = None
    zone: Zone | None = None
    second_factor_roles: RolesOrNone | None = None


class UserIn(EdgeModel):
    """Body of inviting somebody."""

    email: ApiEmail
    name: PersonName
    roles: Roles
    language: Language = "tr"
    since: ApiDate | None = Field(default=None, alias="from")
    until: ApiDate | None = None


class UserPatch(EdgeModel):
    """Body of changing a membership; an explicit null of ``from`` or ``until`` removes it."""

    roles: Roles | None = None
    since: ApiDate | None = Field(default=None, alias="from")
    until: ApiDate | None = None


class ApiKeyIn(EdgeModel):
    """Body of issuing an API key."""

    name: ShortText
    scopes: Codes
    expires_on: ApiDate | None = None


class SupportIn(EdgeModel):
    """Body of asking to look into a company."""

    tenant_id: Annotated[str, Field(max_length=26)]
    reason: Annotated[str, Field(max_length=2_000)]
    hours: Annotated[int, Field(ge=-1_000, le=100_000)] = 1


class SignupIn(EdgeModel):
    """Body of signing up; sending it accepts the service agreement in force."""

    company: CompanyName
    tax_no: TaxNo
    email: ApiEmail
    accountant_no: AccountantNo
    national_id: ApiTckn
    name: PersonName | None = None
    language: Language = "tr"
    agreement_version: ShortText | None = None


class SignupFormIn(SignupIn):
    """The same from the page, where accepting is a mark of its own."""

    accepted: Literal["1"]


def signup_entry(body: SignupIn) -> SignupEntry:
    """What the form or the API sent, as the use case takes it."""
    return SignupEntry(
        company=body.company,
        tax_no=body.tax_no,
        name=body.name or "",
        email=body.email,
        accountant_no=body.accountant_no,
        national_id=body.national_id,
        language=body.language,
        agreement=body.agreement_version,
    )


def tenant_out(tenant: Tenant) -> Json:
    """A company."""
    return {
        "id": tenant.id,
        "name": tenant.name,
        "language": tenant.language,
        "zone": tenant.zone,
        "second_factor_roles": list(tenant.second_factor_roles),
        "state": tenant.state.value,
        "version": tenant.stamp.version,
        "created_at": tenant.stamp.created_at,
        "updated_at": tenant.stamp.updated_at,
    }


def user_out(membership: Membership) -> Json:
    """Somebody of the company, as colleagues see them."""
    return {
        "id": membership.person_id,
        "email": membership.email.reveal("directory of the company"),
        "name": membership.name,
        "roles": list(membership.roles),
        "language": membership.language,
        "state": membership.state.value,
        "from": day(membership.since),
        "until": day(membership.until),
        "last_seen_at": instant(membership.last_seen_at),
        "version": membership.stamp.version,
        "created_at": membership.stamp.created_at,
        "updated_at": membership.stamp.updated_at,
    }


def agreement_out(agreement: Agreement) -> Json:
    """The service agreement in one language."""
    return {
        "version": agreement.version,
        "language": agreement.language,
        "paragraphs": list(agreement.paragraphs),
        "sha256": agreement.sha256,
    }


def support_out(view: SupportView, now: datetime) -> Json:
    """A support grant with the names of company and people, and how it stands now."""
    grant = view.grant
    return {
        "id": grant.id,
        "tenant_id": grant.tenant_id,
        "tenant_name": view.company,
        "operator_id": grant.operator_id,
        "operator_name": view.operator,
        "reason": grant.reason,
        "hours": grant.hours,
        "state": grant.phase(now).value,
        "requested_at": moment(grant.requested_at),
        "decided_by": grant.decided_by or None,
        "decided_by_name": view.decided_by or None,
        "until": moment(grant.until),
        "ended_by": grant.ended_by or None,
        "uses": grant.uses,
        "version": grant.stamp.version,
        "created_at": grant.stamp.created_at,
        "updated_at": grant.stamp.updated_at,
    }


def signup_out(signup: Signup) -> Json:
    """A sign-up as the operator sees it: enough to check it, no identity number."""
    return {
        "id": signup.id,
        "state": signup.state.value,
        "company": signup.company,
        "tax_no": signup.tax_no,
        "name": signup.name,
        "email": signup.email.reveal("operator decides about the sign-up"),
        "accountant_no": signup.accountant_no,
        "national_id": signup.national_id_masked,
        "language": signup.language,
        "agreement": {
            "version": signup.agreement,
            "language": signup.agreement_language,
            "sha256": signup.agreement_sha256,
            "accepted_at": moment(signup.accepted_at),
            "accepted_from": signup.accepted_from,
        },
        "tenant_id": signup.tenant_id or None,
        "note": signup.note or None,
        "version": signup.stamp.version,
        "created_at": signup.stamp.created_at,
        "updated_at": signup.stamp.updated_at,
    }


def role_out(code: str, permissions: Iterable[str], name: str) -> Json:
    """A role and what it may do."""
    return {"code": code, "name": name, "permissions": sorted(permissions)}


def api_key_out(key: ApiKey, secret: Secret | None = None) -> Json:
    """A key; with its secret in the one answer that issues it."""
    out: Json = {
        "id": key.id,
        "name": key.name,
        "hint": key.hint,
        "scopes": list(key.scopes),
        "expires_on": day(key.expires_on),
        "state": key.state.value,
        "created_by": key.created_by,
        "last_used_at": instant(key.last_used_at),
        "version": key.stamp.version,
        "created_at": key.stamp.created_at,
        "updated_at": key.stamp.updated_at,
    }
    if secret is not None:
        out["secret"] = secret.reveal("shown once to who issued it")
    return out


def glance_out(glance: CompanyGlance) -> Json:
    """One of one's own companies: what is open there, and until when one may act."""
    return {
        "id": glance.tenant.id,
        "name": glance.tenant.name,
        "standing": glance.standing.value,
        "done": glance.is_done,
        "exceptions": glance.exceptions,
        "urgent": glance.urgent,
        "deadlines": glance.deadlines,
        "overdue": glance.overdue,
        "next_due_on": day(glance.next_due_on),
        "troubled_connections": glance.troubled_connections,
        "news_at": moment(glance.news_at),
        "mandate": {
            "roles": list(glance.membership.roles),
            "from": day(glance.membership.since),
            "until": day(glance.membership.until),
        },
    }
