"""Who may do what: the table of security.md §3 as data, compared with every role of the template.

Policies live in nested stacks and are joined here by role, so a right that slipped in anywhere is
seen. IAM itself is not evaluated locally; this is the check that stands in for it.
"""

from typing import Any

import pytest

from tests.infra import stack
from tests.infra.stack import Statement

PREFIXES = {
    "workspace": "wsp",
    "pensions": "pen",
    "payment_codes": "pay",
    "card_contracts": "crd",
    "workflow": "wfl",
    "reconciliation": "rec",
}

READ = frozenset({"BatchGetItem", "GetItem"})
WRITE = frozenset({"PutItem", "UpdateItem"})
ENTITIES = READ | WRITE | {"Query", "ConditionCheckItem"}
# BatchWriteItem marks dispatched outbox rows; the request hook of the tests refuses anything else.
OUTBOX = READ | WRITE | {"Query", "BatchWriteItem"}
LEDGER = READ | WRITE
EXPIRING = READ | WRITE | {"DeleteItem"}
APPEND = frozenset({"PutItem"})

PRIVACY = {
    "CoreTable": READ | WRITE | {"Query"},
    "FlowTable": frozenset({"GetItem", "PutItem", "UpdateItem", "BatchWriteItem"}),
    "AuditTable": APPEND,
}
PRIVACY_POLICIES = tuple(
    "".join(word.capitalize() for word in context.split("_")) + "PrivacyData"
    for context in PREFIXES
)

# Rights on the six tables by kind of function; what is not named is refused.
KINDS: dict[str, dict[str, frozenset[str]]] = {
    "WorkspaceApiData": {
        "CoreTable": ENTITIES,
        "FlowTable": OUTBOX,
        "SecretsTable": APPEND,
        "AuditTable": APPEND | {"Query"},
        "EdgeTable": EXPIRING | {"Query"},
    },
    # Writes down that an operator looked at a company, before it is shown.
    "WorkspaceAuthorizerData": {
        "CoreTable": READ | {"PutItem", "UpdateItem"},
        "AuditTable": APPEND,
        "EdgeTable": READ | {"UpdateItem"},
    },
    "WorkspaceWorkerData": {
        "CoreTable": ENTITIES,
        "FlowTable": OUTBOX,
        "AuditTable": APPEND | {"Query"},
    },
    "WorkspaceWebhookData": {
        "CoreTable": ENTITIES,
        "FlowTable": OUTBOX,
        "SecretsTable": frozenset({"GetItem"}),
        "AuditTable": APPEND,
    },
    "WorkspaceSealData": {
        "CoreTable": ENTITIES - {"ConditionCheckItem"},
        "FlowTable": OUTBOX,
    },
    "WorkspaceMailData": {
        "CoreTable": ENTITIES,
        "FlowTable": OUTBOX,
        "AuditTable": APPEND | {"Query"},
        "EdgeTable": READ | {"PutItem"},
    },
    "WorkspaceSharedReadData": {
        "CoreTable": READ | {"Query"},
        "AuditTable": frozenset({"Query"}),
    },
    "WorkspaceOperatorData": {
        "CoreTable": frozenset({"BatchGetItem", "PutItem", "Query", "UpdateItem"}),
        "AuditTable": APPEND,
        "FlowTable": frozenset({"BatchGetItem", "Query"}),
    },
    "PensionsApiData": {
        "CoreTable": ENTITIES,
        "LedgerTable": LEDGER | {"Query"},
        "FlowTable": OUTBOX,
        "SecretsTable": APPEND,
        "AuditTable": APPEND | {"Query"},
        "EdgeTable": EXPIRING,
    },
    "PensionsExchangeData": {},
    "PensionsSendData": {
        "CoreTable": ENTITIES,
        "LedgerTable": LEDGER,
        "FlowTable": OUTBOX,
        "SecretsTable": READ,
        "AuditTable": APPEND,
    },
    "PensionsWorkerData": {
        "CoreTable": ENTITIES,
        "FlowTable": OUTBOX,
        "AuditTable": APPEND,
    },
    "PensionsScheduleData": {
        "CoreTable": ENTITIES,
        "FlowTable": OUTBOX,
        "AuditTable": APPEND,
    },
    "PaymentCodesApiData": {
        "CoreTable": ENTITIES,
        "LedgerTable": LEDGER | {"Query"},
        "FlowTable": OUTBOX,
        "SecretsTable": APPEND,
        "AuditTable": APPEND | {"Query"},
    },
    "PaymentCodesPullData": {
        "CoreTable": ENTITIES,
        "LedgerTable": LEDGER,
        "FlowTable": OUTBOX,
        "SecretsTable": READ,
        "AuditTable": APPEND,
    },
    "PaymentCodesExchangeCopies": {},
    "PaymentCodesExchangeData": {},
    "PaymentCodesStatementData": {
        "CoreTable": ENTITIES,
        "LedgerTable": LEDGER,
        "FlowTable": OUTBOX,
        "AuditTable": APPEND,
    },
    "PaymentCodesBatchData": {
        "CoreTable": ENTITIES,
        "FlowTable": OUTBOX,
        "AuditTable": APPEND,
    },
    "PaymentCodesMailData": {
        "CoreTable": ENTITIES,
        "FlowTable": OUTBOX,
        "AuditTable": APPEND,
    },
    "ReconciliationMailData": {
        "CoreTable": ENTITIES,
        "FlowTable": OUTBOX,
        "AuditTable": APPEND,
    },
    "ReconciliationPaperFiles": {},
    "PaymentCodesDoorData": {
        "CoreTable": ENTITIES,
        "FlowTable": OUTBOX,
        "AuditTable": APPEND,
    },
    "PaymentCodesScheduleData": {
        "CoreTable": ENTITIES,
        "FlowTable": OUTBOX,
        "AuditTable": APPEND,
    },
    "PaymentCodesPageData": {"CoreTable": READ},
    "CardContractsApiData": {
        "CoreTable": ENTITIES,
        "LedgerTable": LEDGER,
        "FlowTable": OUTBOX,
        "AuditTable": APPEND,
    },
    "CardContractsWorkerData": {
        "CoreTable": ENTITIES,
        "LedgerTable": LEDGER,
        "FlowTable": OUTBOX,
        "AuditTable": APPEND,
    },
    "CardContractsScheduleData": {
        "CoreTable": ENTITIES,
        "FlowTable": OUTBOX,
        "AuditTable": APPEND,
    },
    "CardContractsFeedData": {"CoreTable": frozenset({"GetItem", "Query"})},
    "WorkflowApiData": {
        "CoreTable": ENTITIES,
        "FlowTable": OUTBOX,
        "AuditTable": APPEND | {"Query"},
    },
    "WorkflowArchiveData": {"CoreTable": frozenset({"GetItem", "Query", "UpdateItem"})},
    "WorkflowWorkerData": {
        "CoreTable": ENTITIES,
        "FlowTable": OUTBOX,
        "AuditTable": APPEND,
    },
    "WorkflowEventsData": {
        "CoreTable": ENTITIES,
        "FlowTable": OUTBOX,
        "AuditTable": APPEND,
    },
    "WorkflowStepData": {
        "CoreTable": ENTITIES,
        "FlowTable": OUTBOX,
        "AuditTable": APPEND,
        "SecretsTable": frozenset({"PutItem"}),
    },
    "WorkflowDriveData": {
        "CoreTable": ENTITIES,
        "FlowTable": OUTBOX,
        "AuditTable": APPEND,
        "SecretsTable": frozenset({"GetItem"}),
    },
    "WorkflowScheduleData": {
        "CoreTable": frozenset({"PutItem", "Query", "UpdateItem"}),
        "FlowTable": OUTBOX,
    },
    "ReconciliationApiData": {
        "CoreTable": ENTITIES - {"ConditionCheckItem"},
        "FlowTable": OUTBOX,
        "AuditTable": APPEND,
    },
    "ReconciliationWorkerData": {
        "CoreTable": ENTITIES - {"ConditionCheckItem"},
        "FlowTable": OUTBOX,
        "AuditTable": APPEND,
    },
    "ReconciliationPortalData": {
        "CoreTable": ENTITIES - {"ConditionCheckItem"},
        "FlowTable": OUTBOX,
        "AuditTable": APPEND,
        "EdgeTable": EXPIRING,
    },
    "ReconciliationScheduleData": {
        "CoreTable": frozenset({"Query", "UpdateItem"}),
        "FlowTable": OUTBOX,
    },
    # Erasure and retention: neither ledger nor secrets, and nothing is ever deleted.
    **dict.fromkeys(PRIVACY_POLICIES, PRIVACY),
}

# Our managed policies of every function.
FUNCTIONS: dict[str, set[str]] = {
    "WorkspaceApiFunction": {"WorkspaceApiData", "WorkspaceSharedReadData", "WorkspaceOutbox"},
    "WorkspaceOperateFunction": {"WorkspaceOperatorData", "OperatorQueues"},
    "WorkspaceAuthorizerFunction": {"WorkspaceAuthorizerData"},
    "WorkspaceOnEventsFunction": {"WorkspaceWorkerData", "WorkspaceOutbox"},
    "WorkspaceSendMailFunction": {"WorkspaceMailData", "WorkspaceOutbox"},
    "WorkspaceDeliverWebhooksFunction": {"WorkspaceWebhookData", "WorkspaceOutbox"},
    "WorkspaceSealAuditFunction": {
        "WorkspaceSealData",
        "WorkspaceSharedReadData",
        "WorkspaceOutbox",
    },
    "WorkspaceStartSealsFunction": {"WorkspaceWorkerData", "WorkspaceOutbox"},
    "WorkspaceStartRetentionFunction": {"WorkspaceWorkerData", "WorkspaceOutbox"},
    "WorkspaceKeepPrivacyFunction": {
        "WorkspacePrivacyData",
        "WorkspaceSharedReadData",
        "WorkspaceOutbox",
    },
    "PensionsKeepPrivacyFunction": {"PensionsPrivacyData", "PensionsOutbox"},
    "PaymentCodesKeepPrivacyFunction": {"PaymentCodesPrivacyData", "PaymentCodesOutbox"},
    "ReconciliationKeepPrivacyFunction": {"ReconciliationPrivacyData", "ReconciliationOutbox"},
    "CardContractsKeepPrivacyFunction": {"CardContractsPrivacyData", "CardContractsOutbox"},
    "WorkflowKeepPrivacyFunction": {"WorkflowPrivacyData", "WorkflowOutbox"},
    "WorkspaceMailEventsFunction": {"WorkspaceWorkerData", "WorkspaceOutbox"},
    "WorkspaceRelayOutboxFunction": {"WorkspaceWorkerData", "WorkspaceOutbox"},
    "PensionsApiFunction": {"PensionsApiData", "PensionsExchangeData", "PensionsOutbox"},
    "PensionsTestCredentialsFunction": {"PensionsSendData", "PensionsOutbox"},
    "PensionsRunImportFunction": {"PensionsWorkerData", "PensionsOutbox"},
    "PensionsPrepareSubmissionFunction": {"PensionsWorkerData", "PensionsOutbox"},
    "PensionsSendToInsurerFunction": {"PensionsSendData", "PensionsOutbox"},
    "PensionsRefreshStatusFunction": {"PensionsSendData", "PensionsOutbox"},
    "PensionsOnEventsFunction": {"PensionsWorkerData", "PensionsOutbox"},
    "PensionsPollStatusFunction": {"PensionsScheduleData", "PensionsOutbox"},
    "PensionsWatchDeadlinesFunction": {"PensionsScheduleData", "PensionsOutbox"},
    "PensionsRelayOutboxFunction": {"PensionsScheduleData", "PensionsOutbox"},
    "PaymentCodesApiFunction": {
        "PaymentCodesApiData",
        "PaymentCodesExchangeData",
        "PaymentCodesOutbox",
    },
    "PaymentCodesReceiveNotificationFunction": {
        "PaymentCodesDoorData",
        "PaymentCodesExchangeCopies",
        "PaymentCodesOutbox",
    },
    "PaymentCodesShowPayPageFunction": {"PaymentCodesPageData"},
    "PaymentCodesIssueCodesFunction": {
        "PaymentCodesPullData",
        "PaymentCodesExchangeCopies",
        "PaymentCodesOutbox",
    },
    "PaymentCodesIssueBatchFunction": {"PaymentCodesBatchData", "PaymentCodesOutbox"},
    "PaymentCodesTakeDocumentEventsFunction": {"PaymentCodesDoorData", "PaymentCodesOutbox"},
    "PaymentCodesPullPaymentsFunction": {
        "PaymentCodesPullData",
        "PaymentCodesExchangeCopies",
        "PaymentCodesOutbox",
    },
    "PaymentCodesImportStatementFunction": {"PaymentCodesStatementData", "PaymentCodesOutbox"},
    "PaymentCodesSendMailFunction": {"PaymentCodesMailData", "PaymentCodesOutbox"},
    "PaymentCodesMailEventsFunction": {"PaymentCodesMailData", "PaymentCodesOutbox"},
    "PaymentCodesRefreshPaymentsFunction": {"PaymentCodesScheduleData", "PaymentCodesOutbox"},
    "PaymentCodesRelayOutboxFunction": {"PaymentCodesScheduleData", "PaymentCodesOutbox"},
    "CardContractsApiFunction": {"CardContractsApiData", "CardContractsOutbox"},
    "CardContractsShowFeedFunction": {"CardContractsFeedData"},
    "CardContractsTakeSaleEventsFunction": {"CardContractsWorkerData", "CardContractsOutbox"},
    "CardContractsRunImportFunction": {"CardContractsWorkerData", "CardContractsOutbox"},
    "CardContractsOnEventsFunction": {"CardContractsWorkerData", "CardContractsOutbox"},
    "CardContractsRelayOutboxFunction": {"CardContractsScheduleData", "CardContractsOutbox"},
    "WorkflowApiFunction": {"WorkflowApiData", "WorkflowOutbox"},
    "WorkflowDoWorkFunction": {"WorkflowWorkerData", "WorkflowOutbox"},
    "WorkflowStartTriggersFunction": {"WorkflowScheduleData", "WorkflowOutbox"},
    "WorkflowOnEventsFunction": {"WorkflowEventsData", "WorkflowOutbox"},
    "WorkflowDriveApprovalsFunction": {"WorkflowDriveData", "WorkflowOutbox"},
    "WorkflowStepApprovalFunction": {"WorkflowStepData", "WorkflowOutbox"},
    "WorkflowRelayOutboxFunction": {"WorkflowScheduleData", "WorkflowOutbox"},
    "WorkflowArchiveDecisionsFunction": {"WorkflowArchiveData"},
    "ReconciliationApiFunction": {"ReconciliationApiData", "ReconciliationOutbox"},
    "ReconciliationTakeBookEventsFunction": {"ReconciliationWorkerData", "ReconciliationOutbox"},
    "ReconciliationRunImportFunction": {"ReconciliationWorkerData", "ReconciliationOutbox"},
    "ReconciliationRunMailingFunction": {"ReconciliationWorkerData", "ReconciliationOutbox"},
    "ReconciliationSendMailFunction": {
        "ReconciliationMailData",
        "ReconciliationOutbox",
        "ReconciliationPaperFiles",
    },
    "ReconciliationMailEventsFunction": {"ReconciliationMailData", "ReconciliationOutbox"},
    "ReconciliationServePortalFunction": {"ReconciliationPortalData", "ReconciliationOutbox"},
    "ReconciliationRunPortalFunction": {"ReconciliationWorkerData", "ReconciliationOutbox"},
    "ReconciliationRelayOutboxFunction": {"ReconciliationScheduleData", "ReconciliationOutbox"},
}

# What the door of counterparties may write; everything else of the books it only reads.
PORTAL_WRITES = ["rec#T#*#PORTAL-*", "rec#T#*#HIST#portal_*", "rec#T#*#VISITS#*"]

_OPEN, _SEAL = {"kms:Decrypt"}, {"kms:Encrypt"}
# Which function opens or seals what. Only doors that check or decide again do both: with secrets of
# authenticators and personal facts, never with what opens somebody else's system.
KEY_USES = {
    ("PensionsApiFunction", "credentials"): _SEAL,
    ("PensionsTestCredentialsFunction", "credentials"): _OPEN,
    ("PensionsSendToInsurerFunction", "credentials"): _OPEN,
    ("PensionsRefreshStatusFunction", "credentials"): _OPEN,
    ("PaymentCodesApiFunction", "credentials"): _SEAL,
    ("PaymentCodesIssueCodesFunction", "credentials"): _OPEN,
    ("PaymentCodesPullPaymentsFunction", "credentials"): _OPEN,
    ("WorkspaceApiFunction", "webhook_out"): _SEAL,
    ("WorkspaceDeliverWebhooksFunction", "webhook_out"): _OPEN,
    ("WorkspaceApiFunction", "second_factor"): _OPEN | _SEAL,
    ("WorkflowApiFunction", "facts"): _OPEN | _SEAL,
    ("WorkflowStepApprovalFunction", "task_token"): _SEAL,
    ("WorkflowDriveApprovalsFunction", "task_token"): _OPEN,
}
MAY_SIGN = {"WorkflowApiFunction"}
IN_THE_SECRETS_TABLE = {"credentials", "webhook_out"}

# Wildcards in the resource of a statement, each with the reason why it cannot be narrower.
WILDCARDS = {
    "/index/*": "indexes of one table, named beside it, restricted by key like the table",
    "-approval": "executions of one state machine, whose names are made of tasks",
    "/T/*": "objects of all tenants; the code builds keys below one tenant only",
    "/T/*/exchanges/*": "raw exchanges of pensions of all tenants, likewise",
    "/T/*/code-exchanges/*": "raw exchanges of payment codes of all tenants, likewise",
    "/E/*": "kept files of all tenants, likewise",
    "${Stack}-*": "queues of this stack, whose names CloudFormation makes",
}

# Actions that know no resource at all, and who may.
WITHOUT_RESOURCE = {("WorkspaceOperateFunction", "sqs:ListQueues")}

# AWS-managed policies that SAM attaches and what for.
AWS_MANAGED = {
    "AWSLambdaBasicExecutionRole": "writes logs",
    "AWSXrayWriteOnlyAccess": "writes traces",
    "AWSLambdaSQSQueueExecutionRole": "lets Lambda poll the queues of the function",
}


def _dynamodb(statement: Statement) -> set[str]:
    return {
        action.removeprefix("dynamodb:")
        for action in statement.actions
        if action.startswith("dynamodb:")
    }


def _actions(function: str, service: str) -> set[str]:
    return {
        action
        for statement in stack.statements(function)
        for action in statement.actions
        if action.startswith(f"{service}:")
    }


def _all_statements() -> list[tuple[str, Statement]]:
    return [
        (function, statement)
        for function in stack.functions()
        for statement in stack.statements(function)
    ]


def test_every_function_has_its_listed_policies() -> None:
    found = {function: stack.data_policies(function) for function in stack.functions()}
    assert found == FUNCTIONS


@pytest.mark.parametrize("policy", list(KINDS))
def test_rights_on_tables_are_those_of_the_kind(policy: str) -> None:
    document = stack.source(stack.NESTED["Data"])["Resources"][policy]["Properties"]
    found: dict[str, frozenset[str]] = {}
    for statement in stack.statements_in(policy, document["PolicyDocument"]):
        for table in statement.tables:
            found[table] = found.get(table, frozenset()) | _dynamodb(statement)
    assert found == KINDS[policy]


def test_every_data_policy_is_listed() -> None:
    written = set(stack.resources("AWS::IAM::ManagedPolicy", stack.NESTED["Data"]))
    assert written == set(KINDS)


def test_table_statements_name_one_table_and_the_prefix_of_their_context() -> None:
    seen = 0
    for function, statement in _all_statements():
        if not _dynamodb(statement):
            continue
        seen += 1
        assert len(statement.tables) == 1, (function, statement)
        if statement.policy in ("WorkspaceSharedReadData", "WorkspaceOperatorData"):
            continue
        prefixes = [f"{PREFIXES[stack.context_of(function)]}#*"]
        if statement.policy == "ReconciliationPortalData" and statement.tables == {"CoreTable"}:
            writes = {f"dynamodb:{action}" for action in WRITE} & set(statement.actions)
            prefixes = PORTAL_WRITES if writes else prefixes
        assert statement.condition == {
            "ForAllValues:StringLike": {"dynamodb:LeadingKeys": prefixes},
            "Null": {"dynamodb:LeadingKeys": "false"},
        }, (function, statement)
    assert seen


def test_workspace_reads_shared_rows_of_others_and_nothing_else() -> None:
    readers = {
        function for function, names in FUNCTIONS.items() if "WorkspaceSharedReadData" in names
    }
    assert readers == {
        "WorkspaceApiFunction",
        "WorkspaceSealAuditFunction",
        "WorkspaceKeepPrivacyFunction",
    }
    policy = stack.source(stack.NESTED["Data"])["Resources"]["WorkspaceSharedReadData"]
    core, audit = stack.statements_in("shared", policy["Properties"]["PolicyDocument"])
    shared = ("ENTITIES", "FIND#*", "HIST#*", "JOB#*", "JOBS")
    for statement, rows in ((core, shared), (audit, ("ENT#*",))):
        assert statement.condition == {
            "ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"???#T#*#{row}" for row in rows]},
            "Null": {"dynamodb:LeadingKeys": "false"},
        }
        assert not {f"dynamodb:{action}" for action in WRITE} & set(statement.actions)


def test_the_operator_reads_ids_and_states_and_writes_records_of_its_own() -> None:
    holders = {name for name, policies in FUNCTIONS.items() if "WorkspaceOperatorData" in policies}
    assert holders == {"WorkspaceOperateFunction"}
    policy = stack.source(stack.NESTED["Data"])["Resources"]["WorkspaceOperatorData"]
    own, foreign = ["wsp#SYS#*"], set()
    for statement in stack.statements_in("operator", policy["Properties"]["PolicyDocument"]):
        assert len(statement.tables) == 1
        (test,) = [value for key, value in statement.condition.items() if key != "Null"]
        assert statement.condition["Null"] == {"dynamodb:LeadingKeys": "false"}
        keys = test["dynamodb:LeadingKeys"]
        if {f"dynamodb:{action}" for action in WRITE} & set(statement.actions):
            assert keys == own
        elif keys != own:
            foreign |= set(keys)
    assert foreign == {"???#SYS#DUE#?", "???#SYS#FAILED#*", "???#T#*#HIST#*", "???#T#*#JOB#*"}


def test_only_the_operator_takes_from_dead_letters() -> None:
    statements = [
        (function, statement)
        for function, statement in _all_statements()
        if "DeadLetters" in str(statement.resources) and "sqs:ReceiveMessage" in statement.actions
    ]
    assert {function for function, _ in statements} == {"WorkspaceOperateFunction"}


def test_no_action_is_a_wildcard() -> None:
    assert not [
        (function, action)
        for function, statement in _all_statements()
        for action in statement.actions
        if "*" in action
    ]


def test_nobody_scans_exports_or_goes_round_the_key() -> None:
    forbidden = {
        "dynamodb:Scan",
        "dynamodb:PartiQLSelect",
        "dynamodb:PartiQLInsert",
        "dynamodb:PartiQLUpdate",
        "dynamodb:PartiQLDelete",
        "dynamodb:ExportTableToPointInTime",
    }
    for function in stack.functions():
        assert not _actions(function, "dynamodb") & forbidden, function


def test_resources_are_exact_except_for_the_listed_reasons() -> None:
    unexplained = [
        (function, resource)
        for function, statement in _all_statements()
        for resource in statement.resources
        if "*" in str(resource)
        and not any(end in str(resource) for end in WILDCARDS)
        and not {(function, action) for action in statement.actions} <= WITHOUT_RESOURCE
    ]
    assert not unexplained


def test_no_role_stores_and_opens_credentials() -> None:
    for function in stack.functions():
        put = any(
            "PutItem" in _dynamodb(statement) and "SecretsTable" in statement.tables
            for statement in stack.statements(function)
        )
        get = any(
            READ & _dynamodb(statement) and "SecretsTable" in statement.tables
            for statement in stack.statements(function)
        )
        keys = {
            action
            for statement in stack.statements(function)
            for action in statement.actions
            if action.startswith("kms:") and _purpose(statement) in IN_THE_SECRETS_TABLE
        }
        assert not (put and get), function
        assert not (put and "kms:Decrypt" in keys), function
        assert not (get and "kms:Encrypt" in keys), function


def _purpose(statement: stack.Statement) -> str:
    found = statement.condition.get("StringEquals", {})
    return str(found.get("kms:EncryptionContext:purpose", ""))


def test_key_use_is_bound_to_one_context_and_purpose() -> None:
    found: dict[tuple[str, str], set[str]] = {}
    signing = set()
    for function, statement in _all_statements():
        actions = {action for action in statement.actions if action.startswith("kms:")}
        if actions == {"kms:Sign"}:
            assert statement.resources == ({"Fn::GetAtt": ["EvidenceKey", "Arn"]},)
            signing.add(function)
        elif actions:
            purpose = _purpose(statement)
            found[function, purpose] = actions
            assert statement.resources == ({"Fn::GetAtt": ["CredentialsKey", "Arn"]},)
            assert statement.condition == {
                "StringEquals": {
                    "kms:EncryptionContext:app": "kopru",
                    "kms:EncryptionContext:stage": {"Ref": "Stage"},
                    "kms:EncryptionContext:context": PREFIXES[stack.context_of(function)],
                    "kms:EncryptionContext:purpose": purpose,
                }
            }
    assert found == KEY_USES
    assert signing == MAY_SIGN


def test_events_are_put_under_the_own_name_only() -> None:
    for function, statement in _all_statements():
        if "events:PutEvents" in statement.actions:
            source = f"kopru.{stack.context_of(function)}"
            assert statement.condition == {"StringEquals": {"events:source": source}}
            assert statement.resources == ({"Fn::GetAtt": ["Bus", "Arn"]},)


def test_mail_leaves_through_the_mail_functions_under_one_address() -> None:
    senders = {
        function: statement
        for function, statement in _all_statements()
        if any(action.startswith("ses:") for action in statement.actions)
    }
    assert set(senders) == {
        "WorkspaceSendMailFunction",
        "PaymentCodesSendMailFunction",
        "ReconciliationSendMailFunction",
    }
    address = {"StringEquals": {"ses:FromAddress": {"Ref": "SenderAddress"}}}
    for statement in senders.values():
        assert statement.actions == ("ses:SendEmail",)
        assert statement.condition == address


def test_application_secret_is_read_by_exact_arn() -> None:
    for function, statement in _all_statements():
        if any(action.startswith("secretsmanager:") for action in statement.actions):
            assert statement.actions == ("secretsmanager:GetSecretValue",), function
            assert statement.resources == ({"Ref": "ApplicationSecret"},), function


def test_raw_exchanges_are_read_by_the_function_that_shows_them() -> None:
    found: dict[str, set[str]] = {}
    for function, statement in _all_statements():
        if "RawBucket" in str(statement.resources):
            found.setdefault(function, set()).update(statement.actions)
    assert found == {
        "PensionsApiFunction": {"s3:ListBucket", "s3:GetObject"},
        "PensionsSendToInsurerFunction": {"s3:PutObject"},
        "PensionsRefreshStatusFunction": {"s3:PutObject"},
        "PensionsTestCredentialsFunction": {"s3:PutObject"},
        "PensionsKeepPrivacyFunction": {"s3:ListBucket", "s3:DeleteObject"},
        "PaymentCodesApiFunction": {"s3:ListBucket", "s3:GetObject"},
        "PaymentCodesIssueCodesFunction": {"s3:PutObject"},
        "PaymentCodesPullPaymentsFunction": {"s3:PutObject"},
        "PaymentCodesReceiveNotificationFunction": {"s3:PutObject"},
        "PaymentCodesKeepPrivacyFunction": {"s3:ListBucket", "s3:DeleteObject"},
    }
    for function, statement in _all_statements():
        if "RawBucket" in str(statement.resources) and function.startswith("PaymentCodes"):
            assert "/code-exchanges/" in str((statement.resources, statement.condition))


def test_queues_of_insurers_are_reached_by_few() -> None:
    producers, consumers = set(), set()
    for function, statement in _all_statements():
        if statement.policy == "SendProducer":
            producers.add(function)
            assert statement.actions == ("sqs:SendMessage",)
        elif statement.policy == "SendConsumer":
            consumers.add(function)
    assert consumers == {"PensionsSendToInsurerFunction"}
    assert producers == {
        "PensionsPrepareSubmissionFunction",
        "PensionsSendToInsurerFunction",
        "PensionsRefreshStatusFunction",
        "PensionsRelayOutboxFunction",
        "PensionsOnEventsFunction",
    }


def test_aws_managed_policies_are_those_sam_needs() -> None:
    for function in stack.functions():
        expected = {"AWSLambdaBasicExecutionRole", "AWSXrayWriteOnlyAccess"}
        read_by_sam = {
            consumer.function
            for consumer in stack.consumers()
            if consumer.template == stack.NESTED["Messaging"]
        }
        if function in read_by_sam:
            expected.add("AWSLambdaSQSQueueExecutionRole")
        assert stack.aws_policies(function) == expected <= set(AWS_MANAGED)


def test_functions_are_called_by_the_door_of_their_api_only() -> None:
    for permission in stack.resources("AWS::Lambda::Permission").values():
        properties = permission["Properties"]
        assert properties["Action"] == "lambda:InvokeFunction"
        assert properties["Principal"] == "apigateway.amazonaws.com"
        assert "HttpApi" in str(properties["SourceArn"])


def test_the_state_machine_is_driven_by_one_function_and_calls_one() -> None:
    machine = {"Ref": "WorkflowApprovalStateMachine"}
    found: dict[str, dict[str, tuple[Any, ...]]] = {}
    for function, statement in _all_statements():
        for action in statement.actions:
            if action.startswith("states:"):
                found.setdefault(function, {})[action] = statement.resources
    (driver,) = found
    assert driver == "WorkflowDriveApprovalsFunction"
    assert set(found[driver]) == {
        "states:StartExecution",
        "states:SendTaskSuccess",
        "states:DescribeExecution",
    }
    assert found[driver]["states:StartExecution"] == (machine,)
    assert found[driver]["states:SendTaskSuccess"] == (machine,)
    role = stack.transformed()["Resources"]["WorkflowApprovalStateMachineRole"]["Properties"]
    (policy,) = role["Policies"]
    (statement,) = stack.statements_in("machine", policy["PolicyDocument"])
    assert statement.actions == ("lambda:InvokeFunction",)
    assert "WorkflowStepApprovalFunction" in str(statement.resources)
