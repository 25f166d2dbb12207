"""Queues, bus and rules: nothing is lost quietly, nobody else may send (reliability.md §6)."""

from typing import Any

import pytest

from payment_codes.ports import CODE_MAIL_TAG
from pensions.domain.provider_catalogue import PROVIDERS
from tests.infra import stack
from tests.support.aws import QUEUES
from workspace.ports import MESSAGE_TAG

FOURTEEN_DAYS = 1_209_600
MESSAGING = stack.NESTED["Messaging"]
INSURERS = stack.NESTED["Insurers"]

# Records per invocation and parallel invocations; provider queues take both from the catalogue.
BATCHES = {
    "WorkspaceOnEventsQueue": (10, 10),
    "WorkspaceSendMailQueue": (5, 5),
    "WorkspaceDeliverWebhooksQueue": (1, 10),
    "WorkspaceSealAuditQueue": (1, 5),
    "WorkspaceMailEventsQueue": (10, 5),
    "PensionsImportQueue": (1, 10),
    "PensionsPrepareQueue": (1, 10),
    "PensionsRefreshQueue": (1, 10),
    "PaymentCodesIssueQueue": (1, 5),
    "PaymentCodesPullQueue": (1, 10),
    "PaymentCodesMailQueue": (1, 5),
    "PaymentCodesMailEventsQueue": (10, 5),
    "ReconciliationMailEventsQueue": (10, 5),
    "PaymentCodesStatementQueue": (1, 5),
    "PaymentCodesBatchQueue": (1, 5),
    "PaymentCodesDocumentEventsQueue": (1, 5),
    "CardContractsSalesQueue": (10, 5),
    "ReconciliationBooksQueue": (10, 5),
    "CardContractsImportQueue": (1, 5),
    "ReconciliationImportQueue": (1, 5),
    "WorkflowWorkQueue": (1, 5),
    "ReconciliationPortalQueue": (1, 5),
    "CardContractsOnEventsQueue": (1, 10),
    "WorkflowOnEventsQueue": (1, 10),
    "WorkflowApprovalsQueue": (1, 10),
    "WorkspacePrivacyQueue": (1, 2),
    "PensionsPrivacyQueue": (1, 2),
    "PaymentCodesPrivacyQueue": (1, 2),
    "ReconciliationPrivacyQueue": (1, 2),
    "CardContractsPrivacyQueue": (1, 2),
    "WorkflowPrivacyQueue": (1, 2),
}


# Queues that systems of others may send to, beside the rule of the bus.
FROM_OUTSIDE = {"CardContractsSales", "PaymentCodesDocumentEvents", "ReconciliationBooks"}


def _work_queues() -> dict[str, tuple[str, Any]]:
    return {name: found for name, found in stack.queues().items() if name.endswith("Queue")}


def _timeout(function: str) -> int:
    timeout: int = stack.functions()[function]["Properties"]["Timeout"]
    return timeout


def test_every_work_queue_has_one_consumer() -> None:
    assert sorted(consumer.queue for consumer in stack.consumers()) == sorted(_work_queues())


@pytest.mark.parametrize("name", list(_work_queues()))
def test_work_queue_waits_six_timeouts_and_gives_up_after_five(name: str) -> None:
    template, properties = _work_queues()[name]
    (consumer,) = [found for found in stack.consumers() if found.queue == name]
    assert properties["VisibilityTimeout"] == 6 * _timeout(consumer.function)
    assert properties["MessageRetentionPeriod"] == FOURTEEN_DAYS
    redrive = properties["RedrivePolicy"]
    assert redrive["maxReceiveCount"] == 5
    dead_letters = redrive["deadLetterTargetArn"]["Fn::GetAtt"][0]
    shared = (
        "SendDeadLetters" if template == INSURERS else f"{name.removesuffix('Queue')}DeadLetters"
    )
    assert dead_letters == shared
    assert dead_letters in stack.queues()


@pytest.mark.parametrize("name", list(stack.queues()))
def test_queues_are_encrypted_and_keep_dead_letters_for_fourteen_days(name: str) -> None:
    _, properties = stack.queues()[name]
    assert properties["SqsManagedSseEnabled"] is True
    if name.endswith("DeadLetters"):
        assert properties["MessageRetentionPeriod"] == FOURTEEN_DAYS
        assert "RedrivePolicy" not in properties


def test_every_mapping_reports_failed_records_and_limits_itself() -> None:
    found = {}
    for consumer in stack.consumers():
        assert consumer.mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        concurrency = consumer.mapping["ScalingConfig"]["MaximumConcurrency"]
        found[consumer.queue] = (consumer.mapping["BatchSize"], concurrency)
    assert {name: found.pop(name) for name in BATCHES} == BATCHES
    assert {batch for batch, _ in found.values()} == {1}


def test_one_send_queue_per_insurer_with_the_parallelism_it_agreed_to() -> None:
    by_name = {
        properties["QueueName"]["Fn::Sub"]: name
        for name, (template, properties) in stack.queues().items()
        if template == INSURERS and "QueueName" in properties
    }
    assert set(by_name) == {f"${{RootStackName}}-pensions-send-{code}" for code in PROVIDERS}
    parallel = {
        c.queue: c.mapping["ScalingConfig"]["MaximumConcurrency"] for c in stack.consumers()
    }
    for code, provider in PROVIDERS.items():
        queue = by_name[f"${{RootStackName}}-pensions-send-{code}"]
        # Two is the least the service accepts.
        assert parallel[queue] == max(2, provider.max_concurrency), code


def test_functions_can_derive_the_address_of_every_work_queue() -> None:
    variables = stack.source()["Globals"]["Function"]["Environment"]["Variables"]
    text, _ = variables["KOPRU_QUEUE_PREFIX"]["Fn::Sub"]
    assert text.endswith("/${AWS::StackName}-")
    for nested in ("Insurers", "Messaging"):
        given = stack.source()["Resources"][nested]["Properties"]["Parameters"]["RootStackName"]
        assert given == {"Ref": "AWS::StackName"}
    names = {properties["QueueName"]["Fn::Sub"] for _, properties in _work_queues().values()}
    assert {name.partition("-")[0] for name in names} == {"${RootStackName}"}
    # The tests know the same queues, so that a name that is not there fails in them.
    assert {f"${{RootStackName}}-{name}" for name in QUEUES} <= names


def _rules() -> dict[str, Any]:
    return stack.resources("AWS::Events::Rule", MESSAGING)


def test_rules_target_queues_with_dead_letters() -> None:
    for name, rule in _rules().items():
        (target,) = rule["Properties"]["Targets"]
        queue = target["Arn"]["Fn::GetAtt"][0]
        assert queue == name.removesuffix("Rule") + "Queue"
        dead_letters = target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]
        assert dead_letters == name.removesuffix("Rule") + "DeadLetters"


def test_only_the_rule_itself_may_send_to_its_queue() -> None:
    for name in _rules():
        queue = name.removesuffix("Rule")
        policy = stack.resources("AWS::SQS::QueuePolicy", MESSAGING)[f"{queue}QueuePolicy"]
        statement, *others = policy["Properties"]["PolicyDocument"]["Statement"]
        assert bool(others) == (queue in FROM_OUTSIDE)
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        assert statement["Action"] == "sqs:SendMessage"
        assert statement["Condition"] == {
            "ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [name, "Arn"]}}
        }


@pytest.mark.parametrize(
    ("context", "tag"), [("Workspace", MESSAGE_TAG), ("PaymentCodes", CODE_MAIL_TAG)]
)
def test_mail_events_count_for_our_account_and_configuration_set_only(
    context: str, tag: str
) -> None:
    pattern = _rules()[f"{context}MailEventsRule"]["Properties"]["EventPattern"]
    assert pattern["source"] == ["aws.ses"]
    assert pattern["account"] == [{"Ref": "AWS::AccountId"}]
    tags = pattern["detail"]["mail"]["tags"]
    ours = [{"Ref": "MailConfigurationSet"}]
    assert tags == {"ses:configuration-set": ours, tag: [{"exists": True}]}


def test_clicks_are_never_watched_and_opens_of_letters_only() -> None:
    destinations = stack.resources("AWS::SES::ConfigurationSetEventDestination", MESSAGING)
    kinds = {
        name: set(one["Properties"]["EventDestination"]["MatchingEventTypes"])
        for name, one in destinations.items()
    }
    assert all({"DELIVERY", "BOUNCE", "COMPLAINT"} <= each for each in kinds.values())
    assert not any("CLICK" in each for each in kinds.values())
    assert {name for name, each in kinds.items() if "OPEN" in each} == {"LetterEventDestination"}


def test_systems_of_others_may_send_document_events_and_nothing_else() -> None:
    policies = stack.resources("AWS::SQS::QueuePolicy", MESSAGING)
    for name in FROM_OUTSIDE:
        document = policies[f"{name}QueuePolicy"]["Properties"]["PolicyDocument"]
        condition, allowed, otherwise = document["Statement"][1]["Fn::If"]
        assert (condition, otherwise) == ("HasErpAccounts", {"Ref": "AWS::NoValue"})
        assert allowed["Principal"] == {"AWS": {"Fn::Split": [",", {"Ref": "ErpAccounts"}]}}
        assert allowed["Action"] == "sqs:SendMessage"
        assert allowed["Resource"] == {"Fn::GetAtt": [f"{name}Queue", "Arn"]}
    (policy,) = stack.resources("AWS::Events::EventBusPolicy", MESSAGING).values()
    assert policy["Condition"] == "HasErpAccounts"
    statement = policy["Properties"]["Statement"]
    assert statement["Action"] == "events:PutEvents"
    # Without these an account of others could put events under the name of a context of ours.
    assert statement["Condition"] == {
        "StringLike": {"events:source": "erp.*"},
        "StringEquals": {"events:detail-type": "payment_codes.DocumentEvent.v1"},
    }
