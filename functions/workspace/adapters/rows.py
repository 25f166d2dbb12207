"""Entities of the workspace as stored rows and back; the only place that knows attribute names."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from kernel.money import Money
from kernel.sensitive import Email
from toolkit.aws.rows import day, day_of, instant_of, moment, stamp_of
from workspace.domain.api_key import ApiKey, ApiKeyState
from workspace.domain.attention import Attention
from workspace.domain.incident import Incident, IncidentState
from workspace.domain.link import Link, LinkPurpose
from workspace.domain.message import Message, MessageKind, MessageState
from workspace.domain.session import Session
from workspace.domain.tenant import Tenant, TenantState
from workspace.domain.user import Company, Membership, MembershipState, Person, PersonState

Row = dict[str, Any]
_STORED: Final = "store"  # reason given when a masked value is opened to be stored in its own row


def _moment_of(text: str) -> datetime:
    return datetime.fromisoformat(text)


# ---------------------------------------------------------------------------- tenant and people


def tenant_row(tenant: Tenant) -> Row:
    """Attributes of a tenant."""
    return {
        "name": tenant.name,
        "language": tenant.language,
        "zone": tenant.zone,
        "second_factor_roles": list(tenant.second_factor_roles),
    }


def tenant_from(row: Mapping[str, Any]) -> Tenant:
    """The tenant behind a row."""
    return Tenant(
        row["id"],
        row["name"],
        row["language"],
        row["zone"],
        TenantState(row["state"]),
        tuple(row.get("second_factor_roles", ())),
        stamp_of(row),
    )


def person_row(person: Person) -> Row:
    """Attributes of a person."""
    return {
        "email": person.email.reveal(_STORED),
        "name": person.name,
        "language": person.language,
        "theme": person.theme,
        "session_epoch": person.session_epoch,
        "companies": [[company.id, company.name] for company in person.companies],
        "operator": person.operator,
    }


def person_from(row: Mapping[str, Any]) -> Person:
    """The person behind a row."""
    return Person(
        id=row["id"],
        email=Email(row["email"]),
        name=row["name"],
        language=row["language"],
        theme=row["theme"],
        state=PersonState(row["state"]),
        session_epoch=row["session_epoch"],
        companies=tuple(Company(identity, name) for identity, name in row["companies"]),
        operator=bool(row.get("operator", False)),
        stamp=stamp_of(row),
    )


def membership_row(membership: Membership) -> Row:
    """Attributes of a membership; ``last_seen_at`` moves by itself, without a version."""
    return {
        "email": membership.email.reveal(_STORED),
        "name": membership.name,
        "roles": list(membership.roles),
        "language": membership.language,
        "since": day(membership.since),
        "until": day(membership.until),
    }


def membership_from(row: Mapping[str, Any]) -> Membership:
    """The membership behind a row."""
    return Membership(
        person_id=row["id"],
        email=Email(row["email"]),
        name=row["name"],
        roles=tuple(row["roles"]),
        language=row["language"],
        state=MembershipState(row["state"]),
        # Rows written before mandates had a beginning name none.
        since=day_of(row.get("since")),
        until=day_of(row["until"]),
        last_seen_at=row.get("last_seen_at", ""),
        stamp=stamp_of(row),
    )


def api_key_row(key: ApiKey) -> Row:
    """Attributes of an API key; ``last_used_at`` moves by itself, without a version."""
    return {
        "name": key.name,
        "hint": key.hint,
        "scopes": list(key.scopes),
        "roles": list(key.roles),
        "expires_on": day(key.expires_on),
        "created_by": key.created_by,
    }


def api_key_from(row: Mapping[str, Any]) -> ApiKey:
    """The API key behind a row."""
    return ApiKey(
        id=row["id"],
        name=row["name"],
        hint=row["hint"],
        scopes=tuple(row["scopes"]),
        roles=tuple(row["roles"]),
        expires_on=day_of(row["expires_on"]),
        state=ApiKeyState(row["state"]),
        created_by=row["created_by"],
        last_used_at=row.get("last_used_at", ""),
        stamp=stamp_of(row),
    )


# ---------------------------------------------------------------------------- work of the spine


def incident_row(incident: Incident) -> Row:
    """Attributes of an incident."""
    return {
        "tenant_id": incident.tenant_id,
        "subject": incident.subject,
        "code": incident.code,
        "actor": incident.actor,
        "count": incident.count,
        "contract_id": incident.contract_id,
        "source": incident.source,
        "facts": dict(incident.facts),
        "note": incident.note,
        "resolved_by": incident.resolved_by,
        "resolved_at": incident.resolved_at,
    }


def incident_from(row: Mapping[str, Any]) -> Incident:
    """The incident behind a row."""
    return Incident(
        id=row["id"],
        tenant_id=row["tenant_id"],
        subject=row["subject"],
        code=row["code"],
        actor=row["actor"],
        count=row["count"],
        contract_id=row["contract_id"],
        source=row["source"],
        facts=row["facts"],
        state=IncidentState(row["state"]),
        note=row["note"],
        resolved_by=row["resolved_by"],
        resolved_at=row["resolved_at"],
        stamp=stamp_of(row),
    )


def message_row(message: Message) -> Row:
    """Attributes of a mail."""
    return {
        "tenant_id": message.tenant_id,
        "mail": message.kind.value,
        "person_id": message.person_id,
        "language": message.language,
        "params": dict(message.params),
        "to": message.to.reveal(_STORED) if message.to else None,
        "attempts": message.attempts,
        "attempt_id": message.attempt_id,
        "lease_until": moment(message.lease_until),
        "next_at": moment(message.next_at),
        "provider_id": message.provider_id,
        "code": message.code,
        "sent_at": message.sent_at,
        "opened": message.opened,
    }


def message_from(row: Mapping[str, Any]) -> Message:
    """The mail behind a row."""
    return Message(
        id=row["id"],
        tenant_id=row["tenant_id"],
        kind=MessageKind(row["mail"]),
        person_id=row["person_id"],
        language=row["language"],
        params=row["params"],
        state=MessageState(row["state"]),
        to=Email(row["to"]) if row["to"] else None,
        attempts=row["attempts"],
        attempt_id=row["attempt_id"],
        lease_until=instant_of(row["lease_until"]),
        next_at=instant_of(row["next_at"]),
        provider_id=row["provider_id"],
        code=row["code"],
        sent_at=row["sent_at"],
        opened=row["opened"],
        stamp=stamp_of(row),
    )


def attention_row(attention: Attention) -> Row:
    """Attributes of a line of Today."""
    return {
        "subject": attention.subject,
        "code": attention.code,
        "severity": attention.severity,
        "raised_at": moment(attention.raised_at),
        "news_at": moment(attention.news_at),
        "contract_id": attention.contract_id,
        "minor": attention.amount.minor if attention.amount else None,
        "currency": attention.amount.currency if attention.amount else None,
        "due_on": day(attention.due_on),
        "count": attention.count,
        "candidates": list(attention.candidates),
        "open": attention.open,
        "ends_at": moment(attention.ends_at),
    }


def attention_from(row: Mapping[str, Any]) -> Attention:
    """The line of Today behind a row."""
    amount = None if row["minor"] is None else Money(row["minor"], row["currency"])
    return Attention(
        key=row["sk"],
        subject=row["subject"],
        code=row["code"],
        severity=row["severity"],
        raised_at=_moment_of(row["raised_at"]),
        news_at=_moment_of(row["news_at"]),
        contract_id=row["contract_id"],
        amount=amount,
        due_on=day_of(row["due_on"]),
        count=row["count"],
        candidates=tuple(row.get("candidates", ())),
        open=row["open"],
        ends_at=instant_of(row.get("ends_at")),
    )


# ---------------------------------------------------------------------------- expiring rows


def session_row(session: Session) -> Row:
    """Attributes of a session."""
    return {
        "person_id": session.person_id,
        "epoch": session.epoch,
        "tenant_id": session.tenant_id,
        "created_at": moment(session.created_at),
        "last_seen_at": moment(session.last_seen_at),
        "device": session.device,
        "second_factor": session.second_factor,
        "proved_at": moment(session.proved_at),
        "ttl": int(session.ends_at.timestamp()),
    }


def session_from(digest: str, row: Mapping[str, Any]) -> Session:
    """The session behind a row."""
    return Session(
        digest=digest,
        person_id=row["person_id"],
        epoch=row["epoch"],
        tenant_id=row["tenant_id"],
        created_at=_moment_of(row["created_at"]),
        last_seen_at=_moment_of(row["last_seen_at"]),
        device=row["device"],
        second_factor=row.get("second_factor", False),
        proved_at=instant_of(row.get("proved_at")),
    )


def link_row(link: Link) -> Row:
    """Attributes of a link."""
    return {
        "purpose": link.purpose.value,
        "person_id": link.person_id,
        "tenant_id": link.tenant_id,
        "expires_at": moment(link.expires_at),
        "used": link.used,
        "item": link.item,
        # Kept for a day after its end, so that "too old" and "never existed" need no difference.
        "ttl": int(link.expires_at.timestamp()) + 86_400,
    }


def link_from(digest: str, row: Mapping[str, Any]) -> Link:
    """The link behind a row."""
    return Link(
        digest=digest,
        purpose=LinkPurpose(row["purpose"]),
        person_id=row["person_id"],
        tenant_id=row["tenant_id"],
        expires_at=_moment_of(row["expires_at"]),
        used=row["used"],
        item=row.get("item", ""),
    )
