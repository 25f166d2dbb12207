"""Support grants as stored rows, and the part of a unit of work that writes them.

``core``: ``wsp#T#<t>#SUPPORT-GRANT#<id>`` / ``META`` is the grant; ``wsp#T#<t>#SUPPORTER#<person>``
/ ``META`` names the newest grant of an operator, so that a request finds it by one read;
``wsp#SYS#SUPPORT#<id>`` / ``META`` is the register of the operators.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from toolkit.aws.dynamodb import Keyspace
from toolkit.aws.rows import instant_of, moment, stamp_of
from toolkit.aws.unit_of_work import META
from workspace.adapters.entity_writes import SYSTEM, UnitParts, change_entity, create_entity
from workspace.domain.support import GrantState, SupportGrant

KIND: Final = "support_grant"


def grant_row(grant: SupportGrant) -> dict[str, Any]:
    """Attributes of a grant."""
    return {
        "tenant_id": grant.tenant_id,
        "operator_id": grant.operator_id,
        "reason": grant.reason,
        "hours": grant.hours,
        "requested_at": moment(grant.requested_at),
        "decided_by": grant.decided_by,
        "until": moment(grant.until),
        "ended_by": grant.ended_by,
        "uses": grant.uses,
    }


def grant_from(row: Mapping[str, Any]) -> SupportGrant:
    """The grant behind a row."""
    return SupportGrant(
        id=row["id"],
        tenant_id=row["tenant_id"],
        operator_id=row["operator_id"],
        reason=row["reason"],
        hours=row["hours"],
        requested_at=datetime.fromisoformat(row["requested_at"]),
        state=GrantState(row["state"]),
        decided_by=row["decided_by"],
        until=instant_of(row["until"]),
        ended_by=row["ended_by"],
        uses=row["uses"],
        stamp=stamp_of(row),
    )


def supporter_key(keyspace: Keyspace, person_id: str) -> str:
    """Key of the row that names an operator's newest grant of a company."""
    return keyspace.key("SUPPORTER", person_id)


def register_key(grant_id: str) -> str:
    """Key of a grant in the register of the operators."""
    return SYSTEM.key("SUPPORT", grant_id)


class SupportWrites(UnitParts):
    """``WorkspaceUnit``, as far as it is about support grants."""

    def add_support_grant(self, grant: SupportGrant) -> SupportGrant:
        keyspace = self._tenant.keyspace
        row = grant_row(grant) | {"by_pk": keyspace.key("SUPPORT-GRANTS"), "by_sk": grant.id}
        stamp = create_entity(
            self._tenant,
            KIND,
            grant.id,
            row,
            "support_grant.requested",
            grant.state.value,
            hours=grant.hours,
        )
        register = {
            "pk": register_key(grant.id),
            "sk": META,
            "id": grant.id,
            "tenant_id": grant.tenant_id,
            "by_pk": SYSTEM.key("SUPPORT-GRANTS"),
            "by_sk": grant.id,
        }
        self._system.transaction.put_new("core", register, label="support_register")
        return replace(grant, stamp=stamp)

    def save_support_grant(
        self, before: SupportGrant, after: SupportGrant, action: str, *, act: str = ""
    ) -> SupportGrant:
        until = moment(after.until)
        stamp = change_entity(
            self._tenant,
            KIND,
            after.id,
            (before.state.value, before.stamp),
            action,
            after.state.value,
            grant_row(after),
            detail={"act": act} if act else {"until": until} if until else {},
        )
        if after.state is GrantState.GRANTED and before.state is GrantState.REQUESTED:
            self._tenant.transaction.update(
                "core",
                supporter_key(self._tenant.keyspace, after.operator_id),
                META,
                assign={"grant_id": after.id},
                label="supporter",
            )
        return replace(after, stamp=stamp)
