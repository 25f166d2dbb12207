"""template.yaml: functions, doors, clocks and the order a reader can rely on (style.md §13)."""

import importlib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pensions.domain.provider_catalogue import PROVIDERS
from tests.infra import stack
from toolkit.settings import Environment

CONTEXTS = (
    "workspace",
    "pensions",
    "payment_codes",
    "reconciliation",
    "card_contracts",
    "workflow",
)
TEMPLATES = ("template.yaml", *stack.NESTED.values())

# Every route that answers without asking the authorizer. There is no other such list.
ROUTES_WITHOUT_AUTHORIZER = {("GET", "/health")}

ROUTES = {
    ("ANY", "/"): "WorkspaceApiFunction",
    ("ANY", "/sign-in"): "WorkspaceApiFunction",
    ("ANY", "/sign-out"): "WorkspaceApiFunction",
    ("ANY", "/v1/{proxy+}"): "WorkspaceApiFunction",
    ("ANY", "/v1/dead-letters"): "WorkspaceOperateFunction",
    ("ANY", "/v1/dead-letters/{proxy+}"): "WorkspaceOperateFunction",
    ("ANY", "/v1/stuck-items"): "WorkspaceOperateFunction",
    ("ANY", "/operator/dead-letters"): "WorkspaceOperateFunction",
    ("ANY", "/operator/dead-letters/{proxy+}"): "WorkspaceOperateFunction",
    ("ANY", "/operator/stuck-items"): "WorkspaceOperateFunction",
    ("GET", "/health"): "WorkspaceApiFunction",
    ("ANY", "$default"): "WorkspaceApiFunction",
    ("ANY", "/v1/pensions/{proxy+}"): "PensionsApiFunction",
    ("ANY", "/pensions"): "PensionsApiFunction",
    ("ANY", "/pensions/{proxy+}"): "PensionsApiFunction",
    ("POST", "/v1/pensions/contracts/{id}/credentials/test"): "PensionsTestCredentialsFunction",
    ("POST", "/pensions/contracts/{id}/credentials/test"): "PensionsTestCredentialsFunction",
    ("ANY", "/v1/payment-codes"): "PaymentCodesApiFunction",
    ("ANY", "/v1/payment-codes/{proxy+}"): "PaymentCodesApiFunction",
    ("ANY", "/payment-codes"): "PaymentCodesApiFunction",
    ("ANY", "/payment-codes/{proxy+}"): "PaymentCodesApiFunction",
    ("POST", "/v1/payment-codes/notifications/{provider}"): (
        "PaymentCodesReceiveNotificationFunction"
    ),
    ("GET", "/pay/{token}"): "PaymentCodesShowPayPageFunction",
    ("ANY", "/v1/card-contracts"): "CardContractsApiFunction",
    ("ANY", "/v1/card-contracts/{proxy+}"): "CardContractsApiFunction",
    ("ANY", "/card-contracts"): "CardContractsApiFunction",
    ("ANY", "/card-contracts/{proxy+}"): "CardContractsApiFunction",
    ("GET", "/cash-calendar/{token}"): "CardContractsShowFeedFunction",
    ("ANY", "/v1/workflow/{proxy+}"): "WorkflowApiFunction",
    ("ANY", "/workflow/{proxy+}"): "WorkflowApiFunction",
    ("ANY", "/v1/reconciliation/{proxy+}"): "ReconciliationApiFunction",
    ("ANY", "/portal"): "ReconciliationServePortalFunction",
    ("ANY", "/portal/{proxy+}"): "ReconciliationServePortalFunction",
    ("ANY", "/r/{token}"): "ReconciliationServePortalFunction",
    ("GET", "/r/{token}/{file}"): "ReconciliationServePortalFunction",
    ("ANY", "/reconciliation"): "ReconciliationApiFunction",
    ("ANY", "/reconciliation/{proxy+}"): "ReconciliationApiFunction",
}

# Zone, expression and the longest wait for a start of every schedule.
SCHEDULES = {
    "WorkspaceRelayOutboxFunction": ("rate(1 minute)", "Etc/UTC"),
    "WorkspaceStartSealsFunction": ("cron(15 0 * * ? *)", "Etc/UTC"),
    "WorkspaceStartRetentionFunction": ("cron(30 2 1 * ? *)", "Europe/Istanbul"),
    "PensionsRelayOutboxFunction": ("rate(1 minute)", "Etc/UTC"),
    "PensionsPollStatusFunction": ("rate(15 minutes)", "Etc/UTC"),
    "PensionsWatchDeadlinesFunction": ("cron(0 8 * * ? *)", "Europe/Istanbul"),
    "PaymentCodesRefreshPaymentsFunction": ("rate(1 minute)", "Etc/UTC"),
    "PaymentCodesRelayOutboxFunction": ("rate(1 minute)", "Etc/UTC"),
    "CardContractsRelayOutboxFunction": ("rate(1 minute)", "Etc/UTC"),
    "WorkflowRelayOutboxFunction": ("rate(1 minute)", "Etc/UTC"),
    "WorkflowArchiveDecisionsFunction": ("rate(5 minutes)", "Etc/UTC"),
    "WorkflowStartTriggersFunction": ("cron(0 6 * * ? *)", "Europe/Istanbul"),
    "ReconciliationRelayOutboxFunction": ("rate(1 minute)", "Etc/UTC"),
}


def _camel(context: str) -> str:
    return "".join(word.capitalize() for word in context.split("_"))


def _lines(name: str) -> list[str]:
    return (stack.ROOT / name).read_text(encoding="utf-8").splitlines()


def _resource_lines(name: str) -> Iterator[tuple[int, str]]:
    inside = False
    for number, line in enumerate(_lines(name)):
        if re.fullmatch(r"[A-Z]\w+:.*", line):
            inside = line == "Resources:"
        elif inside and (match := re.fullmatch(r"  ([A-Z]\w+):", line)):
            yield number, match[1]


# ------------------------------------------------------------------ reading order


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_resource_says_what_it_is_for(name: str) -> None:
    lines = _lines(name)
    silent = [
        logical_id
        for number, logical_id in _resource_lines(name)
        if not re.match(r"  # \S", lines[number - 1])
    ]
    assert not silent


def test_contexts_stand_in_the_order_of_the_documents_one_banner_each() -> None:
    banners = [
        match[1]
        for line in _lines("template.yaml")
        if (match := re.fullmatch(r"  # ═+ (.+) ═+", line))
    ]
    ours = [banner for banner in banners if banner in CONTEXTS]
    existing = [name for name in CONTEXTS if (stack.ROOT / "functions" / name).is_dir()]
    assert ours == existing


def test_functions_stand_under_the_banner_of_their_context() -> None:
    banner = ""
    for number, line in enumerate(_lines("template.yaml")):
        if match := re.fullmatch(r"  # ═+ (.+) ═+", line):
            banner = match[1]
        elif match := re.fullmatch(r"  (\w+Function):", line):
            assert stack.context_of(match[1]) == banner, f"line {number + 1}"


@pytest.mark.parametrize("name", TEMPLATES)
def test_lines_stay_readable(name: str) -> None:
    long = [number for number, line in enumerate(_lines(name), 1) if len(line) > 100]
    assert not long


# ------------------------------------------------------------------ functions


def _functions() -> list[str]:
    return list(stack.functions())


@pytest.mark.parametrize("function", _functions())
def test_platform_settings_hold_for_every_function(function: str) -> None:
    properties = stack.functions()[function]["Properties"]
    assert properties["Runtime"] == "python3.13"
    assert properties["Architectures"] == ["arm64"]
    assert properties["TracingConfig"] == {"Mode": "Active"}
    assert properties["LoggingConfig"]["LogFormat"] == "JSON"
    layers = [re.sub(r"[0-9a-f]{10}$", "", layer["Ref"]) for layer in properties["Layers"]]
    assert layers == ["CommonLayer", "DependenciesLayer"]
    variables = properties["Environment"]["Variables"]
    assert variables["KOPRU_STAGE"] == {"Ref": "Stage"}
    assert variables["POWERTOOLS_LOGGER_LOG_EVENT"] == "false"


@pytest.mark.parametrize("function", _functions())
def test_a_context_is_its_own_artifact(function: str) -> None:
    resource = stack.source()["Resources"][function]
    context = stack.context_of(function)
    assert resource["Properties"]["CodeUri"] == f"functions/{context}"
    assert resource["Metadata"]["BuildProperties"] == {
        "ParentPackageMode": "explicit",
        "ParentPackages": context,
    }


@pytest.mark.parametrize("function", _functions())
def test_names_of_one_function_agree(function: str) -> None:
    context, handler = stack.context_of(function), stack.handler_of(function)
    words = [*context.split("_"), *handler.split("_")]
    assert function == "".join(word.capitalize() for word in words) + "Function"
    properties = stack.functions()[function]["Properties"]
    assert properties["Handler"] == f"{context}.handlers.{handler}.handler"
    assert properties["FunctionName"] == {"Fn::Sub": "${AWS::StackName}-" + "-".join(words)}


@pytest.mark.parametrize("function", _functions())
def test_handler_is_importable(function: str) -> None:
    module, name = stack.functions()[function]["Properties"]["Handler"].rsplit(".", 1)
    assert callable(getattr(importlib.import_module(module), name))


def test_every_handler_is_deployed() -> None:
    written = {
        (path.parent.parent.name, path.stem)
        for path in (stack.ROOT / "functions").glob("*/handlers/*.py")
        if not path.stem.startswith("_")
    }
    deployed = {(stack.context_of(name), stack.handler_of(name)) for name in stack.functions()}
    assert written == deployed


@pytest.mark.parametrize("function", _functions())
def test_log_group_of_its_own_with_retention(function: str) -> None:
    short = function.removesuffix("Function")
    properties = stack.functions()[function]["Properties"]
    assert properties["LoggingConfig"]["LogGroup"] == {"Ref": f"{short}LogGroup"}
    group = stack.transformed()["Resources"][f"{short}LogGroup"]
    assert group["DeletionPolicy"] == group["UpdateReplacePolicy"] == "Delete"
    assert "RetentionInDays" in group["Properties"]


def test_one_role_per_function() -> None:
    roles = [stack.role_of(function) for function in stack.functions()]
    assert len(set(roles)) == len(roles)


class Recorder(dict[str, str]):
    """Environment that remembers what it was asked for."""

    asked: set[str]

    def get(self, key: str, default: Any = None) -> Any:
        """Answer and remember."""
        self.asked.add(key)
        return super().get(key, default)


# Set by the local stack only.
LOCAL_VARIABLES = {"KOPRU_CLOCK_FILE"}


def _variables(function: str) -> dict[str, Any]:
    found: dict[str, Any] = stack.functions()[function]["Properties"]["Environment"]["Variables"]
    return found


def _read_by(context: str, given: Iterable[str]) -> set[str]:
    """Names of ours that the settings of a context ask for."""
    recorder = Recorder(dict.fromkeys(given, "{}"), KOPRU_STAGE="prod")
    recorder.asked = set()
    module = importlib.import_module(f"{context}.settings")
    getattr(module, f"{_camel(context)}Settings").from_environment(Environment(recorder))
    return {name for name in recorder.asked if name.startswith("KOPRU_")} - LOCAL_VARIABLES


def test_environment_is_what_the_settings_of_the_contexts_read() -> None:
    everywhere = stack.source()["Globals"]["Function"]["Environment"]["Variables"]
    shared = {name for name in everywhere if name.startswith("KOPRU_")}
    read_by_any = set()
    for function in stack.functions():
        given = {name for name in _variables(function) if name.startswith("KOPRU_")}
        read = _read_by(stack.context_of(function), given)
        assert read <= given, function
        assert given - shared <= read, function
        read_by_any |= read
    assert shared <= read_by_any


# Lambda takes 4 KB for names and values together.
LARGEST_ENVIRONMENT = 4_096
# What the parts come to where they are deployed, generously: names that CloudFormation generates
# in nested stacks (a bucket's end at 63), ARNs with account and region, addresses, and every
# insurer of the catalogue.
LONGEST_NAME, LONGEST_ARN, LONGEST_ADDRESS = 63, 110, 90
TWO_DIGESTS = 2 * 64 + 1
INSURERS_GIVEN = {
    "InsurerEndpoints": dict.fromkeys(
        PROVIDERS, "https://services.an-insurer.example.tr/individual"
    ),
    "InsurerAccounts": dict.fromkeys(PROVIDERS, "TR000000000000000000000000"),
}


def _bytes_of(value: Any) -> int:
    """Size of a value where it is deployed."""
    if not isinstance(value, dict):
        return len(str(value))
    if value.get("Ref") in INSURERS_GIVEN:
        return len(json.dumps(INSURERS_GIVEN[value["Ref"]], separators=(",", ":")))
    if value.get("Ref") == "OriginDigests":
        return TWO_DIGESTS
    ((kind, target),) = value.items()
    if kind == "Fn::GetAtt":
        secret = target[1].endswith(("Arn", "Key"))
        return LONGEST_ARN if secret else LONGEST_NAME
    return LONGEST_ADDRESS


@pytest.mark.parametrize("function", list(stack.functions()))
def test_environment_fits_into_what_lambda_takes(function: str) -> None:
    variables = _variables(function)
    assert sum(len(name) + _bytes_of(value) for name, value in variables.items()) <= (
        LARGEST_ENVIRONMENT
    )


# ------------------------------------------------------------------ layers


def test_layers_are_built_for_the_architecture_they_run_on() -> None:
    found = stack.source()["Resources"]
    for name, method in (("CommonLayer", "python3.13"), ("DependenciesLayer", "makefile")):
        assert found[name]["Metadata"] == {"BuildMethod": method, "BuildArchitecture": "arm64"}


# ------------------------------------------------------------------ the door


def test_authorizer_is_asked_every_time() -> None:
    body = stack.resources("AWS::ApiGatewayV2::Api")["HttpApi"]["Properties"]["Body"]
    scheme = body["components"]["securitySchemes"]["WorkspaceAuthorizer"]
    authorizer = scheme["x-amazon-apigateway-authorizer"]
    assert authorizer["authorizerResultTtlInSeconds"] == 0
    assert not authorizer["identitySource"]
    assert authorizer["authorizerPayloadFormatVersion"] == "2.0"
    assert authorizer["enableSimpleResponses"] is True


def test_routes_lead_where_they_should() -> None:
    found = {}
    for key, operation in stack.routes().items():
        integration = operation["x-amazon-apigateway-integration"]
        assert integration["payloadFormatVersion"] == "2.0"
        target = re.search(r"\$\{(\w+)\.Arn\}", integration["uri"]["Fn::Sub"])
        assert target is not None
        found[key] = target[1]
    assert found == ROUTES


def test_routes_without_authorizer_are_the_listed_ones() -> None:
    public = {
        key
        for key, operation in stack.routes().items()
        if operation.get("security") != [{"WorkspaceAuthorizer": []}]
    }
    assert public == ROUTES_WITHOUT_AUTHORIZER


def test_functions_behind_the_door_answer_before_the_gateway_gives_up() -> None:
    behind = set(ROUTES.values())
    timeouts = {name: stack.functions()[name]["Properties"]["Timeout"] for name in behind}
    assert timeouts == {
        "WorkspaceApiFunction": 10,
        "WorkspaceOperateFunction": 29,
        "PensionsApiFunction": 10,
        "PensionsTestCredentialsFunction": 29,
        "PaymentCodesApiFunction": 10,
        "PaymentCodesReceiveNotificationFunction": 10,
        "PaymentCodesShowPayPageFunction": 10,
        "CardContractsApiFunction": 10,
        "CardContractsShowFeedFunction": 10,
        "WorkflowApiFunction": 10,
        "ReconciliationApiFunction": 10,
        "ReconciliationServePortalFunction": 10,
    }


def test_access_log_names_routes_and_never_paths_or_addresses() -> None:
    settings = stack.resources("AWS::ApiGatewayV2::Stage")["HttpApiApiGatewayDefaultStage"]
    text = settings["Properties"]["AccessLogSettings"]["Format"]
    assert "$context.routeKey" in text
    assert not re.search(r"\$context\.(path|identity|authorizer\.claims)", text)


# ------------------------------------------------------------------ clocks


def test_schedules_have_zone_retry_and_a_dead_letter_queue_by_arn() -> None:
    found = {}
    for schedule in stack.resources("AWS::Scheduler::Schedule").values():
        properties = schedule["Properties"]
        target = properties["Target"]
        function = target["Arn"]["Fn::GetAtt"][0]
        found[function] = (
            properties["ScheduleExpression"],
            properties["ScheduleExpressionTimezone"],
        )
        assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] >= 60
        assert "MaximumRetryAttempts" in target["RetryPolicy"]
        queue, _ = stack.nested_resource(target["DeadLetterConfig"]["Arn"])
        context = stack.context_of(function)
        assert queue == f"{_camel(context)}SchedulesDeadLetters"
        # A fixed name would let only one stage live in an account.
        assert "Name" not in properties
    assert found == SCHEDULES


def test_no_queue_appears_behind_our_back() -> None:
    # `DeadLetterConfig: {Type: SQS}` on an event makes SAM create an unwatched one (style.md §15).
    assert not stack.resources("AWS::SQS::Queue")


def test_scheduled_functions_say_how_often_a_failed_run_is_repeated() -> None:
    configured = {
        resource["Properties"]["FunctionName"]["Ref"]
        for resource in stack.resources("AWS::Lambda::EventInvokeConfig").values()
    }
    assert configured == set(SCHEDULES)


# ------------------------------------------------------------------ nesting


@pytest.mark.parametrize("name", list(stack.NESTED))
def test_nested_stacks_get_exactly_their_parameters(name: str) -> None:
    properties = stack.source()["Resources"][name]["Properties"]
    assert properties["TemplateURL"] == stack.NESTED[name]
    assert set(properties["Parameters"]) == set(stack.source(stack.NESTED[name])["Parameters"])


def test_outputs_that_are_used_exist() -> None:
    used = re.findall(
        r"!GetAtt (\w+)\.Outputs\.(\w+)", (stack.ROOT / "template.yaml").read_text("utf-8")
    )
    missing = [
        (name, member)
        for name, member in used
        if member not in stack.source(stack.NESTED[name])["Outputs"]
    ]
    assert used
    assert not missing


def test_outputs_that_exist_are_used() -> None:
    text = (stack.ROOT / "template.yaml").read_text(encoding="utf-8")
    # Shown to operators, not needed by the root.
    for_people = {("Insurers", "SendDeadLettersName"), ("Insurers", "SendDeadLettersArn")}
    unused = {
        (name, member)
        for name, path in stack.NESTED.items()
        for member in stack.source(path)["Outputs"]
        if f"{name}.Outputs.{member}" not in text
    }
    assert unused <= for_people


def test_stages_of_the_configuration_file_are_stages_of_the_template() -> None:
    configured = tomllib.loads(Path(stack.ROOT, "samconfig.toml").read_text(encoding="utf-8"))
    stages = {name for name in configured if name not in {"version", "default"}}
    assert stages == {"dev", "staging", "prod"}
    for stage in stages:
        overrides = configured[stage]["deploy"]["parameters"]["parameter_overrides"]
        assert f"Stage={stage}" in overrides
