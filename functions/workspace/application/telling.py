"""Mails to members of a company about one matter, each in their own language."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final

from kernel.ids import IdSource
from workspace.domain.message import Message, MessageKind
from workspace.domain.user import Membership
from workspace.ports import CompanyStore, WorkspaceUnit

MAX_RECIPIENTS: Final = 20
"""Four rows a mail: more would not fit into the one transaction that makes it happen once."""


def counting(company: CompanyStore, today: date) -> list[Membership]:
    """Members whose mandate counts on ``today``, a date in the company's zone."""
    return [member for member in company.memberships() if member.counts_on(today)]


def mail_members(
    unit: WorkspaceUnit,
    ids: IdSource,
    tenant_id: str,
    told: Iterable[Membership],
    kind: MessageKind,
    params: Mapping[str, str],
) -> None:
    """Queue one mail for each of them, at most ``MAX_RECIPIENTS``; ``params`` as in ``Message``."""
    for member in sorted(told, key=_person)[:MAX_RECIPIENTS]:
        unit.add_message(
            Message(
                ids.new(),
                tenant_id,
                kind,
                member.person_id,
                member.language,
                params=params,
            )
        )


def _person(member: Membership) -> str:
    return member.person_id
