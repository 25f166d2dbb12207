"""What functions may and may not do to rows, by example (security.md §1: S2, S6, S8)."""

import pytest

from tests.infra import stack
from tests.infra.rights import allows

T = "01JXQ5Z3K4M6N8P0R2S4T6V8WY"
CONTRACT = f"pen#T#{T}#CONTRACT#01JXQ60A1B2C3D4E5F6G7H8J9K"
USER = f"wsp#T#{T}#USER#01JXQ60A1B2C3D4E5F6G7H8J9M"
SECRET = f"pen#T#{T}#SECRET#01JXQ60A1B2C3D4E5F6G7H8J9K"
JOB = f"pen#T#{T}#JOB#01JXQ60A1B2C3D4E5F6G7H8J9N"

MAY = [
    ("PensionsApiFunction", "PutItem", "core", [CONTRACT]),
    ("PensionsApiFunction", "PutItem", "secrets", [SECRET]),
    ("PensionsSendToInsurerFunction", "GetItem", "secrets", [SECRET]),
    ("PensionsSendToInsurerFunction", "PutItem", "ledger", [f"pen#T#{T}#ACC#x"]),
    ("PensionsRelayOutboxFunction", "Query", "flow", ["pen#SYS#DUE#0"]),
    ("PensionsRelayOutboxFunction", "BatchWriteItem", "flow", [f"pen#T#{T}#OUT#x"]),
    ("WorkspaceApiFunction", "BatchGetItem", "core", [JOB, f"wsp#T#{T}#JOB#x"]),
    ("WorkspaceApiFunction", "Query", "core", [f"pen#T#{T}#HIST#contract:x"]),
    ("WorkspaceApiFunction", "Query", "audit", [f"pen#T#{T}#ENT#contract:x"]),
    ("WorkspaceAuthorizerFunction", "GetItem", "edge", ["wsp#SYS#SESS#x"]),
    ("WorkspaceSendMailFunction", "PutItem", "edge", ["wsp#SYS#LINK#x"]),
]

CODE = f"pay#T#{T}#PAYMENT-CODE#01JXQ60A1B2C3D4E5F6G7H8J9K"
MAY += [
    ("PaymentCodesApiFunction", "PutItem", "core", [CODE]),
    ("WorkflowApiFunction", "PutItem", "core", [f"wfl#T#{T}#DECISION#x"]),
    ("WorkflowApiFunction", "Query", "core", [f"wfl#T#{T}#TABLE#x"]),
    ("WorkflowArchiveDecisionsFunction", "UpdateItem", "core", [f"wfl#T#{T}#DECISION#x"]),
    ("WorkflowDoWorkFunction", "PutItem", "core", [f"wfl#T#{T}#PROCESS#x"]),
    ("WorkflowStartTriggersFunction", "PutItem", "core", [f"wfl#T#{T}#RUN#x"]),
    ("PaymentCodesPullPaymentsFunction", "PutItem", "ledger", [f"pay#T#{T}#ACC#code:x"]),
    ("PaymentCodesPullPaymentsFunction", "GetItem", "secrets", [f"pay#T#{T}#SECRET#x"]),
    ("PaymentCodesReceiveNotificationFunction", "GetItem", "flow", ["pay#SYS#UNIQ#ORG#91234"]),
    ("PaymentCodesShowPayPageFunction", "BatchGetItem", "core", [CODE]),
]

MAY += [
    ("PaymentCodesIssueBatchFunction", "UpdateItem", "core", [f"pay#T#{T}#COUNTER#91234"]),
    ("PaymentCodesTakeDocumentEventsFunction", "PutItem", "flow", [f"pay#T#{T}#IN#x"]),
]

SALE = f"crd#T#{T}#CARD-SALE#01JXQ60A1B2C3D4E5F6G7H8J9K"
MAY += [
    ("CardContractsApiFunction", "PutItem", "ledger", [f"crd#T#{T}#ACC#X@2026-04-28"]),
    ("CardContractsTakeSaleEventsFunction", "PutItem", "core", [SALE]),
    ("CardContractsShowFeedFunction", "Query", "core", [f"crd#T#{T}#RECEIVABLES#2026"]),
]

MONTH = f"rec#T#{T}#LEDGER#2026-01"
MAY += [
    ("ReconciliationRunImportFunction", "PutItem", "core", [MONTH]),
    ("ReconciliationTakeBookEventsFunction", "PutItem", "flow", [f"rec#T#{T}#IN#x"]),
    ("ReconciliationApiFunction", "Query", "core", [MONTH]),
    ("ReconciliationServePortalFunction", "Query", "core", [MONTH]),
    ("ReconciliationServePortalFunction", "UpdateItem", "core", [f"rec#T#{T}#PORTAL-ACCESS#x"]),
    ("ReconciliationServePortalFunction", "PutItem", "core", [f"rec#T#{T}#HIST#portal_access:x"]),
    ("ReconciliationSendMailFunction", "ConditionCheckItem", "core", [f"rec#T#{T}#LETTER#x"]),
]

SIGNING = f"wsp#T#{T}#SECRET#01JXQ60A1B2C3D4E5F6G7H8J9K"
MAY += [
    ("WorkspaceApiFunction", "PutItem", "secrets", [SIGNING]),
    ("WorkspaceDeliverWebhooksFunction", "GetItem", "secrets", [SIGNING]),
]

WAIT = f"wfl#T#{T}#APPROVAL-WAIT#x"
TOKEN = f"wfl#T#{T}#SECRET#x"
MAY += [
    ("WorkflowStepApprovalFunction", "PutItem", "secrets", [TOKEN]),
    ("WorkflowDriveApprovalsFunction", "GetItem", "secrets", [TOKEN]),
    ("WorkflowRelayOutboxFunction", "UpdateItem", "core", [WAIT]),
]

MAY_NOT = [
    # Who adds a target cannot read what signs, who sends cannot change it, nobody else sees it.
    ("WorkspaceApiFunction", "GetItem", "secrets", [SIGNING]),
    ("WorkspaceDeliverWebhooksFunction", "PutItem", "secrets", [SIGNING]),
    ("WorkspaceDeliverWebhooksFunction", "GetItem", "secrets", [SECRET]),
    ("WorkspaceOnEventsFunction", "GetItem", "secrets", [SIGNING]),
    # Task tokens: who stores them does not open them, people's door does neither.
    ("WorkflowStepApprovalFunction", "GetItem", "secrets", [TOKEN]),
    ("WorkflowDriveApprovalsFunction", "PutItem", "secrets", [TOKEN]),
    ("WorkflowApiFunction", "PutItem", "secrets", [TOKEN]),
    ("WorkflowOnEventsFunction", "GetItem", "secrets", [TOKEN]),
    # The schedules of reconciliation record nothing; no function of it books money.
    ("ReconciliationRelayOutboxFunction", "PutItem", "core", [MONTH]),
    ("ReconciliationRunImportFunction", "PutItem", "ledger", [f"rec#T#{T}#ACC#x"]),
    ("ReconciliationSendMailFunction", "GetItem", "secrets", [f"rec#T#{T}#SECRET#x"]),
    ("ReconciliationMailEventsFunction", "Query", "core", [f"pay#T#{T}#CODES"]),
    ("ReconciliationApiFunction", "Query", "core", [f"pay#T#{T}#CODES"]),
    # Counterparties read the books and write none of them.
    ("ReconciliationServePortalFunction", "PutItem", "core", [MONTH]),
    ("ReconciliationServePortalFunction", "UpdateItem", "core", [f"rec#T#{T}#COUNTERPARTY#x"]),
    ("ReconciliationServePortalFunction", "UpdateItem", "core", [f"rec#T#{T}#HIST#counterparty:x"]),
    # What issues in bulk or listens to other systems moves no money and opens no key.
    ("PaymentCodesIssueBatchFunction", "PutItem", "ledger", [f"pay#T#{T}#ACC#code:x"]),
    ("PaymentCodesIssueBatchFunction", "GetItem", "secrets", [f"pay#T#{T}#SECRET#x"]),
    ("PaymentCodesTakeDocumentEventsFunction", "PutItem", "ledger", [f"pay#T#{T}#ACC#x"]),
    ("PaymentCodesTakeDocumentEventsFunction", "GetItem", "secrets", [f"pay#T#{T}#SECRET#x"]),
    # The feed reads; the schedules of card contracts post nothing.
    ("CardContractsShowFeedFunction", "PutItem", "core", [SALE]),
    ("CardContractsShowFeedFunction", "Query", "core", [f"pay#T#{T}#CODES"]),
    ("CardContractsRelayOutboxFunction", "PutItem", "ledger", [f"crd#T#{T}#ACC#X@2026-04-28"]),
    # The payer's page reads; the door of the providers moves no money and opens no key.
    ("PaymentCodesShowPayPageFunction", "PutItem", "core", [CODE]),
    ("WorkflowApiFunction", "GetItem", "core", [CODE]),
    ("WorkflowApiFunction", "GetItem", "secrets", [f"wfl#T#{T}#SECRET#x"]),
    ("WorkflowRelayOutboxFunction", "GetItem", "core", [f"wfl#T#{T}#DECISION#x"]),
    # The archive notes that it has a decision; it makes none and deletes none.
    ("WorkflowArchiveDecisionsFunction", "PutItem", "core", [f"wfl#T#{T}#DECISION#x"]),
    ("WorkflowArchiveDecisionsFunction", "DeleteItem", "core", [f"wfl#T#{T}#DECISION#x"]),
    ("PaymentCodesShowPayPageFunction", "Query", "core", [f"pay#T#{T}#CODES"]),
    ("PaymentCodesReceiveNotificationFunction", "PutItem", "ledger", [f"pay#T#{T}#ACC#code:x"]),
    ("PaymentCodesReceiveNotificationFunction", "GetItem", "secrets", [f"pay#T#{T}#SECRET#x"]),
    ("PaymentCodesImportStatementFunction", "GetItem", "secrets", [f"pay#T#{T}#SECRET#x"]),
    ("PaymentCodesApiFunction", "GetItem", "secrets", [f"pay#T#{T}#SECRET#x"]),
    ("PaymentCodesPullPaymentsFunction", "PutItem", "secrets", [f"pay#T#{T}#SECRET#x"]),
    ("PaymentCodesApiFunction", "GetItem", "core", [CONTRACT]),
    # The doors of people cannot open credentials, the workers cannot store them.
    ("PensionsApiFunction", "GetItem", "secrets", [SECRET]),
    ("PensionsSendToInsurerFunction", "PutItem", "secrets", [SECRET]),
    ("PensionsTestCredentialsFunction", "PutItem", "secrets", [SECRET]),
    ("PensionsRunImportFunction", "GetItem", "secrets", [SECRET]),
    ("PensionsRelayOutboxFunction", "GetItem", "secrets", [SECRET]),
    ("WorkspaceApiFunction", "GetItem", "secrets", [SECRET]),
    # A context sees its own rows.
    ("PensionsApiFunction", "GetItem", "core", [USER]),
    ("PensionsApiFunction", "BatchGetItem", "core", [CONTRACT, USER]),
    ("WorkspaceApiFunction", "GetItem", "core", [CONTRACT]),
    ("WorkspaceApiFunction", "PutItem", "core", [JOB]),
    ("WorkspaceApiFunction", "UpdateItem", "core", [JOB]),
    ("WorkspaceApiFunction", "GetItem", "core", [f"pen#T#{T}#JOBS#x"]),
    ("WorkspaceOnEventsFunction", "GetItem", "core", [JOB]),
    ("WorkspaceAuthorizerFunction", "GetItem", "core", [JOB]),
    # Money, history and evidence are not deleted, edited or scanned.
    ("PensionsApiFunction", "DeleteItem", "core", [CONTRACT]),
    ("PensionsApiFunction", "UpdateItem", "audit", [f"pen#T#{T}#ENT#x"]),
    ("PensionsApiFunction", "Scan", "core", []),
    ("WorkspaceApiFunction", "DeleteItem", "flow", [f"wsp#T#{T}#OUT#x"]),
    ("WorkspaceMailEventsFunction", "DeleteItem", "edge", ["wsp#SYS#LINK#x"]),
    # A request that names no key is refused although `ForAllValues` would hold.
    ("PensionsApiFunction", "Query", "core", []),
    # A sweeper moves no money.
    ("PensionsRelayOutboxFunction", "PutItem", "ledger", [f"pen#T#{T}#ACC#x"]),
]


@pytest.mark.parametrize(("function", "action", "role", "keys"), MAY)
def test_granted(function: str, action: str, role: str, keys: list[str]) -> None:
    assert allows(function, action, role, keys)


@pytest.mark.parametrize(("function", "action", "role", "keys"), MAY_NOT)
def test_refused(function: str, action: str, role: str, keys: list[str]) -> None:
    assert not allows(function, action, role, keys)


@pytest.mark.parametrize("function", list(stack.functions()))
def test_books_of_counterparties_are_read_by_their_context_only(function: str) -> None:
    if not function.startswith(("Reconciliation", "Workspace")):
        assert not allows(function, "GetItem", "core", [f"rec#T#{T}#COUNTERPARTY#x"])


def test_indexes_are_covered_where_they_exist() -> None:
    assert allows("PensionsApiFunction", "Query", "core", [f"pen#T#{T}#CONTRACTS"], index=True)
    assert not allows("PensionsApiFunction", "Query", "ledger", [f"pen#T#{T}#ACC#x"], index=True)
