"""Audit chains, seals, and requests about personal data."""

from typing import Annotated, Final

from kernel.personal_data import Person as PrivatePerson
from kernel.personal_data import parse_person
from toolkit.http.fields import EdgeModel
from workspace.domain.audit import ChainReport
from workspace.domain.privacy import PrivacyRequest, check_reason
from workspace.domain.seal import Seal
from workspace.ports import (
    ChainView,
)
from workspace.schemas.fields import Json, checked

_STORAGE: Final = frozenset({"pk", "sk", "w"})


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
    reason: Annotated[str, checked(check_reason)] = "request of the person"


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
