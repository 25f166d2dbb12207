"""Alarms: on every function and queue, with metrics that exist, and somebody is told."""

import re
from typing import Any

from infra.tools import insurer_queues, observability
from tests.infra import stack

OBSERVABILITY = stack.NESTED["Observability"]
INSURERS = stack.NESTED["Insurers"]


def _alarms() -> list[dict[str, Any]]:
    return [
        resource["Properties"]
        for name in (OBSERVABILITY, INSURERS)
        for resource in stack.resources("AWS::CloudWatch::Alarm", name).values()
    ]


def _watched(metric: str) -> list[Any]:
    return [alarm["Dimensions"][0]["Value"] for alarm in _alarms() if alarm["MetricName"] == metric]


def test_generated_templates_are_fresh() -> None:
    assert (stack.ROOT / OBSERVABILITY).read_text(encoding="utf-8") == observability.current()
    assert (stack.ROOT / INSURERS).read_text(encoding="utf-8") == insurer_queues.current()


def test_every_function_is_watched_for_errors_and_throttling() -> None:
    names = [
        {
            "Fn::Sub": function["Properties"]["FunctionName"]["Fn::Sub"].replace(
                "AWS::StackName", "RootStackName"
            )
        }
        for function in stack.functions().values()
    ]
    for metric in ("Errors", "Throttles"):
        watched = _watched(metric)
        assert len(watched) == len(names)
        assert all(name in watched for name in names)


def test_every_queue_is_watched_for_waiting_or_dead_messages() -> None:
    waiting = str(_watched("ApproximateAgeOfOldestMessage"))
    dead = str(_watched("ApproximateNumberOfMessagesVisible"))
    for name in stack.queues():
        short = name.removesuffix("Queue")
        if name.endswith("DeadLetters"):
            assert f"{name}Name" in dead or f"'{name}'" in dead, name
        else:
            assert f"{short}QueueName" in waiting or f"'{short}Queue'" in waiting, name


def test_one_dead_letter_is_enough() -> None:
    alarms = [a for a in _alarms() if a["MetricName"] == "ApproximateNumberOfMessagesVisible"]
    assert alarms
    for alarm in alarms:
        # `NumberOfMessagesSent` would ignore what a redrive policy moves (style.md §4).
        assert alarm["Threshold"] == 1
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"


def test_api_alarms_use_names_of_an_http_api() -> None:
    alarms = {a["MetricName"]: a for a in _alarms() if a["Namespace"] == "AWS/ApiGateway"}
    assert set(alarms) == {"5xx", "Latency"}
    for alarm in alarms.values():
        assert alarm["Dimensions"] == [{"Name": "ApiId", "Value": {"Ref": "ApiId"}}]


def test_a_sweeper_that_does_not_run_is_noticed() -> None:
    silent = [a for a in _alarms() if a["MetricName"] == "Invocations"]
    assert {a["Dimensions"][0]["Value"]["Fn::Sub"].split("}-")[1] for a in silent} == {
        "workspace-relay-outbox",
        "pensions-relay-outbox",
        "payment-codes-refresh-payments",
        "payment-codes-relay-outbox",
        "card-contracts-relay-outbox",
        "workflow-relay-outbox",
        "reconciliation-relay-outbox",
    }
    for alarm in silent:
        assert alarm["TreatMissingData"] == "breaching"
        assert alarm["ComparisonOperator"] == "LessThanThreshold"


def test_business_ages_are_metrics_that_the_code_writes() -> None:
    written = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("functions", "layers/common")
        for path in (stack.ROOT / folder).rglob("*.py")
    )
    metrics = {alarm["MetricName"] for alarm in _alarms() if alarm["Namespace"] == "kopru"}
    assert {metric for metric, *_ in observability.BUSINESS_AGES} <= metrics
    assert {metric for metric in metrics if f'"{metric}"' not in written} == set()


def test_every_alarm_tells_somebody() -> None:
    for alarm in _alarms():
        assert alarm["AlarmActions"] in ([{"Ref": "AlarmTopic"}], [{"Ref": "AlarmTopicArn"}])


def test_attempts_on_the_key_are_told() -> None:
    (rule,) = stack.resources("AWS::Events::Rule", OBSERVABILITY).values()
    names = rule["Properties"]["EventPattern"]["detail"]["eventName"]
    assert {"DisableKey", "ScheduleKeyDeletion"} <= set(names)


def test_names_derived_from_logical_ids_are_the_deployed_ones() -> None:
    for logical_id, function in stack.functions().items():
        name = function["Properties"]["FunctionName"]["Fn::Sub"]
        assert name == "${AWS::StackName}-" + observability.physical_name(logical_id)


def test_executions_that_end_without_a_result_are_watched() -> None:
    machines = stack.resources("AWS::StepFunctions::StateMachine")
    assert machines
    for metric in ("ExecutionsFailed", "ExecutionsTimedOut"):
        assert _watched(metric) == [{"Ref": f"{name}Arn"} for name in machines]


def test_every_age_has_one_alarm() -> None:
    ages = [(metric, service) for metric, _, service, _ in observability.BUSINESS_AGES]
    assert len(set(ages)) == len(ages)


RUNBOOK = (stack.ROOT / "docs" / "operate" / "runbook.md").read_text(encoding="utf-8")


def test_every_alarm_names_its_section_of_the_runbook() -> None:
    sections = set(re.findall(r"^## (\S+)$", RUNBOOK, re.MULTILINE))
    named = {
        match[1]
        for alarm in _alarms()
        if (match := re.search(r"What to do, (\S+) in", alarm["AlarmDescription"]))
    }
    assert len(named) > 10
    assert named <= sections
    # A section for what no alarm asks for would be read by nobody.
    assert sections - named == {"key-in-danger"}
    assert all("What to do" in alarm["AlarmDescription"] for alarm in _alarms())


def test_the_runbook_says_what_every_queue_holds_and_whether_it_may_go_back() -> None:
    table = RUNBOOK.split("## dead-letters")[1].split("## ")[0]
    # The queues of insurers do the same and share one line.
    queues = stack.resources("AWS::SQS::Queue", stack.NESTED["Messaging"])
    short = {name.removesuffix("Queue") for name in queues if name.endswith("Queue")}
    assert {name for name in short if name not in table} == set()
