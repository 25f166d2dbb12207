"""The store of approvals on DynamoDB: one tenant, one key prefix.

Rows in ``core`` (``wfl#T#<tenant>#…``): ``APPROVAL#<id>`` and ``DELEGATION#<id>`` with ``META`` are
entities with history and audit; ``APPROVAL-WAIT#<task>`` says what is known of the execution that
waits, ``COLLEAGUE#<person>`` how somebody is called, ``TRUST#<id>`` (an entity) what signatures are
checked against; a signature lies beside its approval under ``SIGNATURE#<task>#<vote>``. Lists
(``by``): open approvals by their deadline under ``APPROVALS-OPEN``, closed ones by their end under
``APPROVALS-CLOSED``. Waits are in the list ``APPROVALS`` of the ``due`` index. Task tokens are
sealed in ``secrets``.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from kernel.errors import NotFoundError
from kernel.sensitive import Secret
from kernel.storing import Position
from toolkit.auth import TenantContext
from toolkit.aws.due import NOT_DUE, due_at, take_due
from toolkit.aws.dynamodb import Database, Item, Keyspace, equals
from toolkit.aws.rows import moment
from toolkit.aws.secrets import CredentialVault, SecretName
from toolkit.aws.transactions import Transaction, TransactionRefusedError
from toolkit.aws.unit_of_work import META, Change, Machinery, entity_key
from workflow.adapters import approval_rows as rows
from workflow.adapters.dynamodb_rules import CONTEXT, DynamoRulesStore, DynamoUnit
from workflow.domain.approvals.approval import Approval, approval_of_task
from workflow.domain.approvals.delegation import Delegation
from workflow.domain.approvals.people import Colleague
from workflow.domain.approvals.signing import Trust
from workflow.domain.approvals.waiting import DueTask, Wait

APPROVAL: Final = "approval"
DELEGATION: Final = "delegation"
TRUST: Final = "trust"
WAITS: Final = "APPROVALS"
_PURPOSE: Final = "task_token"
_PUSH: Final = timedelta(minutes=1)


def _signature_key(keyspace: Keyspace, task_id: str, number: int) -> dict[str, str]:
    pk = entity_key(keyspace, APPROVAL, approval_of_task(task_id))
    return {"pk": pk, "sk": f"SIGNATURE#{task_id}#{number:02d}"}


def _wait_key(keyspace: Keyspace, task_id: str) -> str:
    return keyspace.key("APPROVAL-WAIT", task_id)


class DynamoApprovalsUnit(DynamoUnit):
    """``ApprovalsUnit`` over one transaction."""

    def __init__(self, store: "DynamoApprovalsStore") -> None:
        super().__init__(store)
        self._queue = store.queue

    def _listed(self, approval: Approval) -> Item:
        if approval.status.final:
            at = approval.closed_at or self._unit.now
            return {
                "by_pk": self._keyspace.key("APPROVALS-CLOSED"),
                "by_sk": f"{moment(at)}#{approval.id}",
            }
        task = approval.task
        at = task.due_at if task is not None else approval.requested_at
        return {
            "by_pk": self._keyspace.key("APPROVALS-OPEN"),
            "by_sk": f"{moment(at)}#{approval.id}",
        }

    def add_approval(self, approval: Approval, action: str, detail: Mapping[str, Any]) -> None:
        row = {**rows.approval_row(approval), **self._listed(approval)}
        change = Change(action, approval.status.value, detail=detail)
        self._unit.create(APPROVAL, approval.id, row, change)

    def save_approval(
        self, before: Approval, after: Approval, action: str, detail: Mapping[str, Any]
    ) -> None:
        stored = self._unit.as_read(APPROVAL, before.id, before.status.value, before.stamp)
        self._unit.change(
            stored,
            Change(action, after.status.value, detail=detail),
            assign={**rows.approval_row(after), **self._listed(after)},
        )

    def open_wait(self, task_id: str, due_at_: datetime) -> None:
        row = {
            "pk": _wait_key(self._keyspace, task_id),
            "sk": META,
            "id": task_id,
            "number": 0,
            "tokens": 0,
            "closed": False,
            "done": False,
            **due_at(self._keyspace, due_at_, task_id, waits_for=WAITS),
        }
        self._unit.transaction.put_new("core", row, label=f"wait:{task_id}")

    def close_wait(self, task_id: str, due_at_: datetime) -> None:
        assign = {"closed": True, **due_at(self._keyspace, due_at_, task_id, waits_for=WAITS)}
        # Beside the guarded write of the approval, which opened this wait and ends it once.
        self._unit.transaction.update(
            "core", _wait_key(self._keyspace, task_id), META, assign=assign
        )

    def add_delegation(self, delegation: Delegation) -> None:
        row = rows.delegation_row(delegation)
        row["by_pk"] = self._keyspace.key("DELEGATIONS")
        row["by_sk"] = f"{moment(delegation.ends_at)}#{delegation.id}"
        detail = {"person": delegation.person, "substitute": delegation.substitute}
        change = Change("delegation.made", delegation.state.value, detail=detail)
        self._unit.create(DELEGATION, delegation.id, row, change)

    def save_delegation(self, before: Delegation, after: Delegation) -> None:
        stored = self._unit.as_read(DELEGATION, before.id, before.state.value, before.stamp)
        self._unit.change(stored, Change("delegation.ended", after.state.value))

    def keep_signature(self, task_id: str, number: int, signature: bytes) -> None:
        row = {**_signature_key(self._keyspace, task_id, number), "signature": signature}
        self._unit.transaction.put_new("core", row, label=f"signature:{task_id}")

    def add_trust(self, trust: Trust) -> None:
        row = rows.trust_row(trust)
        row["by_pk"] = self._keyspace.key("TRUST-RECORDS")
        row["by_sk"] = trust.id
        detail = {"kind": trust.kind.value, "fingerprint": trust.fingerprint}
        if trust.person:
            detail["person"] = trust.person
        self._unit.create(
            TRUST, trust.id, row, Change("trust.recorded", trust.state.value, detail=detail)
        )

    def save_trust(self, before: Trust, after: Trust, action: str) -> None:
        stored = self._unit.as_read(TRUST, before.id, before.state.value, before.stamp)
        change = Change(action, after.state.value, detail={"fingerprint": after.fingerprint})
        self._unit.change(stored, change, assign=rows.trust_row(after))

    def know(self, person: Colleague) -> None:
        assign = {
            "person": person.id,
            "name": person.name,
            "roles": list(person.roles),
            "by_pk": self._keyspace.key("COLLEAGUES"),
            "by_sk": person.id,
        }
        pk = self._keyspace.key("COLLEAGUE", person.id)
        self._unit.transaction.update("core", pk, META, assign=assign)

    def drive(self, approval_id: str, task_id: str) -> None:
        self._unit.enqueue(self._queue, {"approval_id": approval_id, "task": task_id})

    def received(self, source: str, event_id: str) -> None:
        self._unit.received(source, event_id)


class DynamoApprovalsStore(DynamoRulesStore):
    """``ApprovalsStore`` for one tenant."""

    def __init__(
        self, machinery: Machinery, context: TenantContext, vault: CredentialVault, queue: str
    ) -> None:
        super().__init__(machinery, context)
        self._vault = vault
        self.queue = queue

    def unit(self) -> DynamoApprovalsUnit:
        """A new unit of work."""
        return DynamoApprovalsUnit(self)

    def approval(self, approval_id: str) -> Approval:
        return rows.approval_from(self._row(APPROVAL, approval_id))

    def find_approval(self, approval_id: str) -> Approval | None:
        row = self.database.get("core", entity_key(self.keyspace, APPROVAL, approval_id), META)
        return rows.approval_from(row) if row is not None else None

    def approvals(
        self, *, open_ones: bool, limit: int, after: Position | None
    ) -> tuple[list[Approval], Position | None]:
        page = self.database.list_rows(
            self.keyspace.key("APPROVALS-OPEN" if open_ones else "APPROVALS-CLOSED"),
            limit=limit,
            after=dict(after) if after else None,
            forward=open_ones,
        )
        return [rows.approval_from(row) for row in page.items], page.next_key

    def closed_between(self, first: date, last: date, limit: int) -> list[Approval]:
        found: list[Approval] = []
        after: Item | None = None
        end = (last + timedelta(days=1)).isoformat()
        while len(found) < limit:
            page = self.database.list_rows(
                self.keyspace.key("APPROVALS-CLOSED"),
                up_to=end,
                after=after,
                limit=min(100, limit - len(found)),
                forward=False,
            )
            for row in page.items:
                if row["by_sk"] < first.isoformat():
                    return found
                found.append(rows.approval_from(row))
            after = page.next_key
            if after is None:
                break
        return found

    # ------------------------------------------------------------------ waits

    def wait(self, task_id: str) -> Wait | None:
        row = self.database.get("core", _wait_key(self.keyspace, task_id), META)
        return rows.wait_from(row) if row is not None else None

    def mark_started(self, wait: Wait, due_at_: datetime) -> Wait | None:
        row = self.database.update(
            "core",
            _wait_key(self.keyspace, wait.task_id),
            META,
            assign={
                "number": wait.number + 1,
                "started_at": moment(self.machinery.clock.now()),
                **due_at(self.keyspace, due_at_, wait.task_id, waits_for=WAITS),
            },
            when=equals("number", wait.number),
        )
        return rows.wait_from(row) if row is not None else None

    def keep_token(self, wait: Wait, token: Secret, due_at_: datetime) -> bool:
        transaction = Transaction(self.machinery.ids.new())
        name = self._secret(wait.task_id, wait.tokens + 1)
        self._vault.seal(transaction, name, token)
        assign: Item = {"tokens": wait.tokens + 1}
        if not wait.closed:
            assign |= due_at(self.keyspace, due_at_, wait.task_id, waits_for=WAITS)
        transaction.update(
            "core",
            _wait_key(self.keyspace, wait.task_id),
            META,
            assign=assign,
            when=equals("tokens", wait.tokens) & equals("closed", wait.closed),
            label="wait",
        )
        try:
            transaction.commit(self.database)
        except TransactionRefusedError:
            return False
        return True

    def token(self, wait: Wait, number: int) -> Secret:
        return self._vault.open(self._secret(wait.task_id, number))

    def _secret(self, task_id: str, number: int) -> SecretName:
        return SecretName(self.context.tenant_id, task_id, _PURPOSE, number)

    def look_again(self, wait: Wait, due_at_: datetime) -> None:
        self.database.update(
            "core",
            _wait_key(self.keyspace, wait.task_id),
            META,
            assign=due_at(self.keyspace, due_at_, wait.task_id, waits_for=WAITS),
            when=equals("done", False) & equals("closed", wait.closed),
        )

    def mark_done(self, wait: Wait) -> None:
        self.database.update(
            "core",
            _wait_key(self.keyspace, wait.task_id),
            META,
            assign={"done": True},
            remove=NOT_DUE,
            when=equals("tokens", wait.tokens),
        )

    # ------------------------------------------------------------------ people

    def delegations(self) -> list[Delegation]:
        return [rows.delegation_from(row) for row in self._list("DELEGATIONS")]

    def delegation(self, delegation_id: str) -> Delegation:
        return rows.delegation_from(self._row(DELEGATION, delegation_id))

    def trust(self) -> list[Trust]:
        return [rows.trust_from(row) for row in self._list("TRUST-RECORDS")]

    def one_trust(self, trust_id: str) -> Trust:
        return rows.trust_from(self._row(TRUST, trust_id))

    def signature(self, task_id: str, number: int) -> bytes:
        key = _signature_key(self.keyspace, task_id, number)
        row = self.database.get("core", key["pk"], key["sk"])
        if row is None:
            raise NotFoundError("not_found", "There is no such item.")
        return bytes(row["signature"])

    def colleagues(self) -> list[Colleague]:
        return [rows.colleague_from(row) for row in self._list("COLLEAGUES")]


class DynamoApprovalsDue:
    """``ApprovalsDue`` over the ``due`` index of ``core``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, now: datetime, limit: int) -> list[DueTask]:
        taken = take_due(
            self._database,
            "core",
            Keyspace(CONTEXT),
            now,
            limit=limit,
            push=_PUSH,
            waits_for=WAITS,
        )
        found = [DueTask(each.id, each.tenant_id, each.due_at) for each in taken]
        return sorted(found, key=lambda task: task.due_at)
