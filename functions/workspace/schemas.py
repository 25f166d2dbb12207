"""The HTTP and event edge of the workspace: request models, and what things look like outside."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from kernel.errors import ParseError, ValidationError
from kernel.events import Event
from kernel.parsing import format_instant, parse_date_api, parse_instant
from kernel.personal_data import Person as PrivatePerson
from kernel.personal_data import parse_person
from kernel.sensitive import Email, Secret, Tckn
from toolkit.http.fields import DATE, INSTANT, TEXTS, EdgeModel, parsed
from workspace.domain.api_key import ApiKey
from workspace.domain.attention import Attention, Today
from workspace.domain.audit import ChainReport
from workspace.domain.behind import exchanges_behind, why_behind
from workspace.domain.dead_letter import DeadLetter, DeadLetterGroup, Redrive
from workspace.domain.delivery import Delivery
from workspace.domain.glance import CompanyGlance
from workspace.domain.incident import Incident
from workspace.domain.message import Message
from workspace.domain.note import check_note
from workspace.domain.privacy import PrivacyRequest, check_reason
from workspace.domain.saved_view import SavedView, check_view_name, check_view_url
from workspace.domain.seal import Seal
from workspace.domain.search import Findings
from workspace.domain.second_factor import SecondFactor
from workspace.domain.signup import (
    Agreement,
    Signup,
    SignupEntry,
    check_accountant_no,
    check_tax_no,
)
from workspace.domain.stuck_item import StuckItem
from workspace.domain.subject import items_named
from workspace.domain.support import SupportView
from workspace.domain.tenant import DEFAULT_ZONE, Tenant, check_language, check_name, check_zone
from workspace.domain.user import (
    Membership,
    Person,
    check_person_name,
    check_roles,
    check_theme,
)
from workspace.domain.webhook import MAX_FILTERS, Endpoint
from workspace.ports import (
    ChainView,
    HistoryView,
    JobView,
    OpenSession,
    UploadTicket,
)

Json = dict[str, Any]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ParseError("TYPE", "A text is expected.")
    return value


def _checked(check: Callable[[str], str]) -> Any:
    """A member read by a rule of the domain; its complaint becomes the problem of this member."""

    def parse(value: object) -> str:
        text = _text(value)
        try:
            return check(text)
        except ValidationError as error:
            problem = error.problems[0]
            raise ParseError(problem.code, problem.message) from None

    return parsed(parse)


def _roles(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ParseError("TYPE", "A list of roles is expected.")
    try:
        return check_roles(value)
    except ValidationError as error:
        raise ParseError(error.problems[0].code, error.problems[0].message) from None


def _roles_or_none(value: object) -> tuple[str, ...]:
    return () if value == [] else _roles(value)


ApiEmail = Annotated[Email, parsed(Email)]
ApiTckn = Annotated[Tckn, parsed(Tckn)]
ApiDate = Annotated[date, parsed(parse_date_api, DATE)]
ApiInstant = Annotated[datetime, parsed(parse_instant, INSTANT)]
Password = Annotated[Secret, parsed(Secret)]
Token = Annotated[Secret, parsed(Secret)]
PersonName = Annotated[str, _checked(check_person_name)]
CompanyName = Annotated[str, _checked(check_name)]
Language = Annotated[str, _checked(check_language)]
Zone = Annotated[str, _checked(check_zone)]
Theme = Annotated[str, _checked(check_theme)]
Note = Annotated[str, _checked(check_note)]
Roles = Annotated[tuple[str, ...], parsed(_roles, TEXTS)]
RolesOrNone = Annotated[tuple[str, ...], parsed(_roles_or_none, TEXTS)]
ShortText = Annotated[str, Field(max_length=400)]
TaxNo = Annotated[str, _checked(check_tax_no)]
AccountantNo = Annotated[str, _checked(check_accountant_no)]
Codes = Annotated[list[str], Field(max_length=60)]


# ---------------------------------------------------------------------------- requests


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


class UploadIn(EdgeModel):
    """Body of asking for room for a file."""

    filename: ShortText
    content_type: ShortText
    size: int


class ViewIn(EdgeModel):
    """Body of saving a view."""

    name: Annotated[str, _checked(check_view_name)]
    url: Annotated[str, _checked(check_view_url)]
    shared: bool = False


class ResolutionIn(EdgeModel):
    """Body of resolving an incident."""

    note: Note


class SupportIn(EdgeModel):
    """Body of asking to look into a company."""

    tenant_id: Annotated[str, Field(max_length=26)]
    reason: Annotated[str, Field(max_length=2_000)]
    hours: Annotated[int, Field(ge=-1_000, le=100_000)] = 1


class RedriveIn(EdgeModel):
    """Body of sending dead letters back; without ``ids`` all of the queue, at most 500 a call.

    With ``keep`` copies are sent and the messages stay where they are.
    """

    queue: ShortText
    ids: list[ShortText] | None = Field(default=None, min_length=1, max_length=500)
    dry_run: bool = False
    keep: bool = False


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


EventFilters = Annotated[list[str], Field(max_length=MAX_FILTERS)]


class EndpointIn(EdgeModel):
    """Body of adding a target for webhooks; ``events`` are types, ``<context>.*`` or ``*``."""

    url: str
    events: EventFilters
    description: str = ""


class EndpointPatch(EdgeModel):
    """Body of changing a target."""

    url: str | None = None
    events: EventFilters | None = None
    description: str | None = None
    enabled: bool | None = None


class RotationIn(EdgeModel):
    """Body of giving a target a new secret: for how long the old one signs beside it."""

    overlap_hours: Annotated[int, Field(ge=0, le=168)] = 24


class RecoveryIn(EdgeModel):
    """Body of a recovery: everything since then that the target has not confirmed."""

    since: ApiInstant


# ---------------------------------------------------------------------------- answers


def _instant(text: str) -> str | None:
    return text or None


def _moment(value: datetime | None) -> str | None:
    return None if value is None else format_instant(value)


def _day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()


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
        "from": _day(membership.since),
        "until": _day(membership.until),
        "last_seen_at": _instant(membership.last_seen_at),
        "version": membership.stamp.version,
        "created_at": membership.stamp.created_at,
        "updated_at": membership.stamp.updated_at,
    }


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
        "requested_at": _moment(grant.requested_at),
        "decided_by": grant.decided_by or None,
        "decided_by_name": view.decided_by or None,
        "until": _moment(grant.until),
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
            "accepted_at": _moment(signup.accepted_at),
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
        "expires_on": _day(key.expires_on),
        "state": key.state.value,
        "created_by": key.created_by,
        "last_used_at": _instant(key.last_used_at),
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
        "next_due_on": _day(glance.next_due_on),
        "troubled_connections": glance.troubled_connections,
        "news_at": _moment(glance.news_at),
        "mandate": {
            "roles": list(glance.membership.roles),
            "from": _day(glance.membership.since),
            "until": _day(glance.membership.until),
        },
    }


def view_out(view: SavedView, person_id: str) -> Json:
    """A saved view."""
    return {
        "id": view.id,
        "name": view.name,
        "url": view.url,
        "shared": view.shared,
        "own": view.owner_id == person_id,
        "version": view.stamp.version,
        "created_at": view.stamp.created_at,
        "updated_at": view.stamp.updated_at,
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


def job_out(job: JobView) -> Json:
    """Progress of long work."""
    return {
        "id": job.id,
        "kind": job.kind,
        "status": job.status,
        "total": job.total,
        "done": job.done,
        "failed": job.failed,
        "subject": job.subject,
        "cancellable": job.cancellable and not job.is_final,
        "created_at": job.created_at,
        "finished_at": job.finished_at,
        "result": dict(job.result),
        "problems": [dict(problem) for problem in job.problems],
    }


def upload_out(ticket: UploadTicket) -> Json:
    """Where and how to send a file."""
    return {"upload_id": ticket.upload_id, "url": ticket.url, "fields": dict(ticket.fields)}


def history_out(entry: HistoryView, summary: str, subject: str) -> Json:
    """One line of the timeline of ``subject``, with the other items it speaks of.

    Shapes: ``why`` is the route that gives the reasons of what was computed, or null; ``exchanges``
    are the routes of what was sent to a third party and answered.
    """
    why = why_behind(subject, entry.action, entry.detail)
    return {
        "at": entry.at,
        "actor": entry.actor,
        "type": entry.action,
        "summary": summary,
        "detail": {
            "from": entry.from_state or None,
            "to": entry.to_state,
            **{key: value for key, value in entry.detail.items() if key not in ("from", "to")},
        },
        "related": [item for item in items_named(entry.detail) if item != subject],
        "why": why.route if why is not None else None,
        "exchanges": [each.route for each in exchanges_behind(subject, entry.action, entry.detail)],
        "correlation_id": entry.correlation_id,
    }


def incident_out(incident: Incident, summary: str) -> Json:
    """An incident: ids, codes and counts."""
    return {
        "id": incident.id,
        "tenant_id": incident.tenant_id,
        "subject": incident.subject,
        "code": incident.code,
        "summary": summary,
        "actor": incident.actor,
        "count": incident.count,
        "contract_id": incident.contract_id or None,
        "source": incident.source,
        "facts": dict(incident.facts),
        "state": incident.state.value,
        "note": incident.note or None,
        "resolved_by": incident.resolved_by or None,
        "resolved_at": _instant(incident.resolved_at),
        "version": incident.stamp.version,
        "created_at": incident.stamp.created_at,
        "updated_at": incident.stamp.updated_at,
    }


def findings_out(findings: Findings, href: Callable[[str, str], str]) -> Json:
    """What was found, kind by kind; ``href`` is the page of an item."""
    items = [
        {
            "kind": each.kind,
            "id": each.id,
            "title": each.title,
            "subject": f"{each.kind}:{each.id}",
            "href": href(f"{each.kind}:{each.id}", each.parent),
        }
        for _, members in findings.groups
        for each in members
    ]
    return list_out(items, None, len(items)) | {"complete": not findings.cut}


def dead_letter_group_out(group: DeadLetterGroup, effect: str) -> Json:
    """Dead letters that failed alike; ``effect`` says what sending them back would do."""
    return {
        "queue": group.queue,
        "error": group.error,
        "count": group.count,
        "oldest_at": format_instant(group.oldest_at),
        "ids": list(group.ids),
        "can_redrive": group.returns,
        "effect": effect,
    }


def dead_letter_out(letter: DeadLetter, effect: str) -> Json:
    """One dead letter: ids and states, never what somebody typed."""
    return {
        "id": letter.id,
        "queue": letter.queue,
        "error": letter.error,
        "sent_at": format_instant(letter.sent_at),
        "tenant_id": letter.tenant_id or None,
        "subject": letter.subject or None,
        "state": letter.state or None,
        "redrives": letter.redrives,
        "can_redrive": letter.returns,
        "effect": effect,
        "facts": dict(letter.facts),
    }


def redrive_out(redrive: Redrive) -> Json:
    """Who sent messages back, and how many went."""
    return {
        "id": redrive.id,
        "queue": redrive.queue,
        "asked": redrive.asked or None,
        "redriven": redrive.sent,
        "keep": redrive.keep,
        "status": redrive.state.value,
        "actor": redrive.actor,
        "created_at": redrive.stamp.created_at,
    }


def stuck_out(item: StuckItem, now: datetime) -> Json:
    """One row that nobody takes."""
    return {
        "context": item.context,
        "kind": item.kind,
        "id": item.id,
        "tenant_id": item.tenant_id or None,
        "since": format_instant(item.since),
        "late_seconds": item.late_seconds(now),
    }


def message_out(message: Message) -> Json:
    """A mail of the mail log."""
    return {
        "id": message.id,
        "kind": message.kind.value,
        "status": message.state.value,
        "to": message.to.reveal("mail log of the company") if message.to else None,
        "user_id": message.person_id,
        "language": message.language,
        "params": dict(message.params),
        "attempts": message.attempts,
        "opened": message.opened,
        "code": message.code or None,
        "sent_at": _instant(message.sent_at),
        "version": message.stamp.version,
        "created_at": message.stamp.created_at,
        "updated_at": message.stamp.updated_at,
    }


def event_out(event: Event) -> Json:
    """A published event as it went out."""
    return event.to_dict()


def endpoint_out(endpoint: Endpoint, secret: Secret | None = None) -> Json:
    """A target of webhooks; the secret only in the answer that makes it."""
    out: Json = {
        "id": endpoint.id,
        "url": endpoint.url,
        "events": list(endpoint.events),
        "description": endpoint.description,
        "enabled": endpoint.enabled,
        "disabled_by": endpoint.disabled_by.value or None,
        "old_secret_signs_until": _moment(endpoint.rotated_until),
        "version": endpoint.stamp.version,
        "created_at": endpoint.stamp.created_at,
        "updated_at": endpoint.stamp.updated_at,
    }
    if secret is not None:
        out["secret"] = secret.reveal("shown once to who asked for it")
    return out


def delivery_out(delivery: Delivery) -> Json:
    """One event on its way to one target; ``webhook-id`` of its calls is the event's id."""
    return {
        "id": delivery.id,
        "endpoint_id": delivery.endpoint_id,
        "event_id": delivery.event_id,
        "event_type": delivery.event_type,
        "subject": delivery.subject,
        "cause": delivery.cause.value,
        "status": delivery.state.value,
        "code": delivery.code or None,
        "attempts": [
            {
                "at": attempt.at,
                "code": attempt.code,
                "http_status": attempt.status,
                "answer": attempt.excerpt or None,
            }
            for attempt in delivery.attempts
        ],
        "next_attempt_at": _moment(delivery.next_at),
        "version": delivery.stamp.version,
        "created_at": delivery.stamp.created_at,
        "updated_at": delivery.stamp.updated_at,
    }


def attention_out(attention: Attention, summary: str, now: datetime) -> Json:
    """One thing to look at today."""
    return {
        "key": attention.key,
        "subject": attention.subject,
        "code": attention.code,
        "summary": summary,
        "severity": attention.severity,
        "amount": attention.amount.to_api() if attention.amount else None,
        "count": attention.count,
        "due_on": _day(attention.due_on),
        "contract_id": attention.contract_id or None,
        "raised_at": _moment(attention.raised_at),
        "age_seconds": attention.age_seconds(now),
    }


def connection_out(attention: Attention, summary: str) -> Json:
    """Health of one connection."""
    return {
        "subject": attention.subject,
        "contract_id": attention.contract_id or None,
        "health": "trouble" if attention.open else "ok",
        "code": attention.code if attention.open else None,
        "summary": summary,
        "since": _moment(attention.raised_at if attention.open else attention.news_at),
    }


def today_out(
    today: Today, now: datetime, summary: Mapping[str, str], tasks: Sequence[Attention]
) -> Json:
    """The first page as data; ``tasks`` are those of whoever asks."""
    return {
        "exceptions": [attention_out(row, summary[row.key], now) for row in today.exceptions],
        "tasks": [attention_out(row, summary[row.key], now) for row in tasks],
        "deadlines": [attention_out(row, summary[row.key], now) for row in today.deadlines],
        "connections": [connection_out(row, summary[row.key]) for row in today.connections],
        "news_at": _moment(today.news_at),
    }


def chain_report_out(report: ChainReport, next_cursor: str | None) -> Json:
    """Result of a step of the audit verification."""
    fault = report.fault
    return {
        "status": "intact" if fault is None else "broken",
        "complete": report.complete,
        "entities": report.entities,
        "rows": report.rows,
        "first_broken": None
        if fault is None
        else {"entity": fault.entity, "sequence": fault.sequence, "code": fault.code},
        "next_cursor": next_cursor,
    }


def chain_out(chain: ChainView) -> Json:
    """The audit rows of one entity as they were hashed."""
    rows = [
        {name: value for name, value in row.items() if name not in _STORAGE} for row in chain.rows
    ]
    return {"entity": chain.entity, "last_known": chain.last_known, "rows": rows}


_STORAGE: Final = frozenset({"pk", "sk", "w"})


def seal_out(seal: Seal) -> Json:
    """The seal of one day; ``root`` is what a company may keep elsewhere."""
    return {
        "id": seal.id,
        "day": seal.day.isoformat(),
        "status": "complete" if seal.is_complete else "running",
        "root": seal.root or None,
        "previous": seal.previous if seal.is_complete else None,
        "entities": seal.entities,
        "parts": len(seal.parts),
        "sealed_at": seal.sealed_at or None,
    }


class PersonIn(EdgeModel):
    """Who a request is about: one or more of these."""

    national_id: str | None = None
    tax_no: str | None = None
    email: str | None = None
    phone: str | None = None


class PrivacyIn(EdgeModel):
    """``POST /v1/privacy/exports|erasures``: a number, an address or a phone, or members."""

    person: PersonIn | str
    reason: Annotated[str, _checked(check_reason)] = "request of the person"


def person_of(body: PrivacyIn) -> PrivatePerson:
    """Who is meant. Raises: ValidationError naming ``/person``."""
    if isinstance(body.person, str):
        return parse_person(body.person)
    given = [text for text in body.person.model_dump().values() if text]
    found = [parse_person(text) for text in given] or [parse_person("")]
    number, email, phone = (
        next((getattr(one, name) for one in found if getattr(one, name)), "")
        for name in ("number", "email", "phone")
    )
    return PrivatePerson(number, email, phone)


def privacy_request_out(request: PrivacyRequest) -> Json:
    """A request with what every context answered; nothing tells whom it is about."""
    gone = request.backups_gone_on
    return {
        "id": request.id,
        "act": request.act.value,
        "status": request.state.value,
        "asked_at": request.asked_at,
        "asked_by": request.asked_by,
        "reason": request.reason,
        "answer_by": request.answer_by.isoformat(),
        "finished_at": request.finished_at or None,
        "records": request.records,
        "parts": [
            {
                "context": context,
                "status": part.state.value,
                "records": part.records,
                "answered_at": part.answered_at or None,
                "waiting": [
                    {"kind": one.kind, "id": one.id, "status": one.state} for one in part.waiting
                ],
            }
            for context, part in request.parts.items()
        ],
        "backups_gone_on": gone.isoformat() if gone else None,
    }


def list_out(items: Iterable[Any], next_cursor: str | None, total: int | None = None) -> Json:
    """A page of a list."""
    out: Json = {"items": list(items), "next_cursor": next_cursor}
    if total is not None:
        out["total"] = total
    return out
