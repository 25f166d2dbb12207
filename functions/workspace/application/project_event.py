"""Take the news of other contexts, once each: the event log, Today, incidents, and mails about
credentials that an institution refused and about tasks that wait for somebody.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from kernel.clock import Clock
from kernel.errors import ValidationError
from kernel.events import Event
from kernel.ids import IdSource
from kernel.money import Money
from kernel.storing import WriteRefusedError
from toolkit.auth import TenantContext
from workspace.application.telling import counting, mail_members
from workspace.domain.attention import Attention
from workspace.domain.events import (
    ATTENTION_CLEARED,
    ATTENTION_RAISED,
    CARD_ATTENTION_CLEARED,
    CARD_ATTENTION_RAISED,
    CODE_ATTENTION_CLEARED,
    CODE_ATTENTION_RAISED,
    CODE_INCIDENT_OPENED,
    CREDENTIALS_REFUSED,
    INCIDENT_OPENED,
    LETTER_ATTENTION_CLEARED,
    LETTER_ATTENTION_RAISED,
    WORKFLOW_ATTENTION_CLEARED,
    WORKFLOW_ATTENTION_RAISED,
    WORKFLOW_INCIDENT_OPENED,
)
from workspace.domain.incident import Incident
from workspace.domain.message import MessageKind
from workspace.domain.user import Membership
from workspace.ports import CompanyStore, SystemStore, WorkspaceUnit

TOLD_ABOUT_CREDENTIALS: Final = ("owner", "accountant")


@dataclass(frozen=True, slots=True)
class ProjectEvent:
    """Applies one event; a second delivery of it changes nothing."""

    store: SystemStore
    clock: Clock
    ids: IdSource

    def __call__(self, event: Event) -> None:
        """Raises: NotFoundError for a tenant that does not exist; ValidationError for data that
        does not fit the event's type; ConflictError when rows moved, and the record comes again.
        """
        context = TenantContext(event.tenant_id, f"system:{event.context}", event.id)
        company = self.store.company(context)
        company.tenant()
        if not self._take(company, event, project=True):
            # Newer news about the same thing is stored already: this one is only logged.
            self._take(company, event, project=False)

    def _take(self, company: CompanyStore, event: Event, *, project: bool) -> bool:
        """Whether the event is dealt with; False when only its effect came too late."""
        try:
            self._apply(company, event, project=project)
        except WriteRefusedError as error:
            if error.refused("inbox"):
                return True
            if project and (error.refused("attention") or error.refused("incident:")):
                return False
            raise
        return True

    def _apply(self, company: CompanyStore, event: Event, *, project: bool) -> None:
        unit = company.unit()
        unit.received(event.source, event.id)
        unit.log_event(event)
        apply = _EFFECTS.get(event.type)
        if project and apply is not None:
            try:
                apply(self, company, unit, event)
            except (KeyError, TypeError, ValueError) as error:
                raise ValidationError(
                    "event_data",
                    "The data of an event does not fit its type.",
                    detail=f"{event.type}: {type(error).__name__}",
                ) from error
        unit.commit()

    def open_incident(self, _company: CompanyStore, unit: WorkspaceUnit, event: Event) -> None:
        """An item of another context waits for a person."""
        data = event.data
        known = {"incident_id", "subject", "code", "actor", "count", "contract_id"}
        unit.add_incident(
            Incident(
                id=_text(data, "incident_id"),
                tenant_id=event.tenant_id,
                subject=_text(data, "subject"),
                code=_text(data, "code"),
                actor=str(data.get("actor", "operator")),
                count=int(data.get("count", 1)),
                contract_id=str(data.get("contract_id") or ""),
                source=event.context,
                facts={key: value for key, value in data.items() if key not in known},
            )
        )

    def raise_attention(self, _company: CompanyStore, unit: WorkspaceUnit, event: Event) -> None:
        """Something wants to be looked at."""
        unit.put_attention(_attention(event, is_open=True))

    def raise_task(self, company: CompanyStore, unit: WorkspaceUnit, event: Event) -> None:
        """Something waits for a decision: Today, and a mail to those the event names.

        The mail leaves with the row of Today or not at all, so news that is overtaken sends none.
        """
        self.raise_attention(company, unit, event)
        mail = event.data.get("mail")
        if not isinstance(mail, Mapping):
            return
        wanted, spared = set(mail["to"]), set(mail["not_to"])
        told = [
            member
            for member in self._counting(company)
            if f"user:{member.person_id}" not in spared
            and wanted & {f"user:{member.person_id}", *(f"role:{role}" for role in member.roles)}
        ]
        params = {
            "task": _text(event.data, "key"),
            "subject": _text(event.data, "subject"),
            "why": str(mail["why"]),
            "kind": str(event.data.get("kind") or ""),
            "due_on": str(event.data.get("due_on") or ""),
        }
        if event.data.get("money_minor") is not None:
            params["money_minor"] = str(int(event.data["money_minor"]))
            params["currency"] = _text(event.data, "currency")
        mail_members(unit, self.ids, event.tenant_id, told, MessageKind.TASK, params)

    def _counting(self, company: CompanyStore) -> list[Membership]:
        return counting(company, self.clock.today(company.tenant().zone))

    def clear_attention(self, _company: CompanyStore, unit: WorkspaceUnit, event: Event) -> None:
        """It does not any more."""
        unit.put_attention(_attention(event, is_open=False))

    def tell_of_credentials(self, company: CompanyStore, unit: WorkspaceUnit, event: Event) -> None:
        """Mail those who can enter new credentials, each in their language."""
        told = [
            member
            for member in self._counting(company)
            if set(member.roles) & set(TOLD_ABOUT_CREDENTIALS)
        ]
        params = {name: _text(event.data, name) for name in ("contract_id", "provider_code")}
        mail_members(unit, self.ids, event.tenant_id, told, MessageKind.CREDENTIALS_REFUSED, params)


_Effect = Callable[[ProjectEvent, CompanyStore, WorkspaceUnit, Event], None]
_EFFECTS: Final[Mapping[str, _Effect]] = {
    INCIDENT_OPENED: ProjectEvent.open_incident,
    ATTENTION_RAISED: ProjectEvent.raise_attention,
    ATTENTION_CLEARED: ProjectEvent.clear_attention,
    CREDENTIALS_REFUSED: ProjectEvent.tell_of_credentials,
    CODE_INCIDENT_OPENED: ProjectEvent.open_incident,
    CODE_ATTENTION_RAISED: ProjectEvent.raise_attention,
    CODE_ATTENTION_CLEARED: ProjectEvent.clear_attention,
    CARD_ATTENTION_RAISED: ProjectEvent.raise_attention,
    CARD_ATTENTION_CLEARED: ProjectEvent.clear_attention,
    WORKFLOW_INCIDENT_OPENED: ProjectEvent.open_incident,
    WORKFLOW_ATTENTION_RAISED: ProjectEvent.raise_task,
    WORKFLOW_ATTENTION_CLEARED: ProjectEvent.clear_attention,
    LETTER_ATTENTION_RAISED: ProjectEvent.raise_attention,
    LETTER_ATTENTION_CLEARED: ProjectEvent.clear_attention,
}


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data[name]
    if not isinstance(value, str) or not value:
        raise KeyError(name)
    return value


def _attention(event: Event, *, is_open: bool) -> Attention:
    data = event.data
    minor = data.get("money_minor")
    due_on = data.get("due_on")
    return Attention(
        key=_text(data, "key"),
        subject=str(data.get("subject") or event.subject),
        code=str(data.get("code") or ""),
        severity=str(data.get("severity") or "medium"),
        raised_at=event.time,
        news_at=event.time,
        contract_id=str(data.get("contract_id") or ""),
        amount=None if minor is None else Money(minor, str(data.get("currency") or "TRY")),
        due_on=None if due_on is None else date.fromisoformat(due_on),
        count=int(data.get("count") or 1),
        candidates=tuple(map(str, data.get("candidates", ()))),
        open=is_open,
    )
