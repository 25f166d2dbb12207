"""The whole cloud: what a deployment says, and that nothing acknowledged is ever lost."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.cloud import LocalCloud
from infra.local.cloud.model import (
    DeclaredOnly,
    Deployment,
    FunctionNotFoundError,
    LocalCloudError,
)
from infra.local.state import LocalState
from infra.local.template import TemplateError
from tests.unit.local.conftest import write_sample

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
ARN = "arn:aws:{}:eu-central-1:123456789012:{}"


def running(folder: Path) -> LocalCloud:
    """A cloud with the sample deployed on the state folder below ``folder``."""
    cloud = LocalCloud(folder / "state", log=lambda _: None)
    cloud.start()
    cloud.deploy(write_sample(folder / "checkout"), {})
    return cloud


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[LocalCloud]:
    cloud = running(tmp_path)
    yield cloud
    cloud.stop()


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """What deploying the sample says."""
    cloud = running(tmp_path_factory.mktemp("deployment"))
    cloud.stop()
    return deployed(cloud)


def deployed(cloud: LocalCloud) -> Deployment:
    assert cloud.deployment is not None
    return cloud.deployment


class TestDeployment:
    def test_functions(self, deployment: Deployment) -> None:
        function = deployment.function("PensionsApiFunction")
        assert function.name == "kopru-PensionsApiFunction"
        assert function.arn == ARN.format("lambda", "function:kopru-PensionsApiFunction")
        assert function.handler == "pensions.handlers.api.handler"
        assert function.code_dir.name == "functions"
        assert [folder.name for folder in function.layer_dirs] == ["common"]
        assert function.env == {
            "TABLE": "kopru-Data-CoreTable",
            "QUEUE": deployment.physical_ids["WorkQueue"],
        }
        assert (function.timeout, function.memory, function.reserved_concurrency) == (10, 512, 3)
        assert deployment.function("kopru-PensionsWorkerFunction").timeout == 60
        with pytest.raises(FunctionNotFoundError):
            deployment.function("absent")

    def test_triggers(self, deployment: Deployment) -> None:
        (mapping,) = deployment.event_source_mappings
        assert mapping.queue_name == "kopru-WorkQueue"
        assert mapping.function_name == "kopru-PensionsWorkerFunction"
        assert (mapping.batch_size, mapping.maximum_concurrency) == (1, 2)
        assert mapping.report_batch_item_failures
        (schedule,) = deployment.schedules
        assert (schedule.expression, schedule.timezone) == ("rate(1 minute)", "Europe/Istanbul")
        assert schedule.target.arn == ARN.format("lambda", "function:kopru-PensionsWorkerFunction")
        assert schedule.target.dlq_arn == ARN.format("sqs", "kopru-DeadLetters")
        rules = {rule.logical_id: rule for rule in deployment.rules}
        assert rules["EventsRule"].bus == "kopru-bus"
        assert rules["MailRule"].bus == "default"
        assert rules["EventsRule"].targets[0].dlq_arn == ARN.format("sqs", "kopru-DeadLetters")

    def test_the_api_is_resolved(self, deployment: Deployment) -> None:
        path = deployment.http_api_body["paths"]["/v1/{proxy+}"]
        uri = path["x-amazon-apigateway-any-method"]["x-amazon-apigateway-integration"]["uri"]
        assert "function:kopru-PensionsApiFunction" in uri
        assert deployment.http_api_id

    def test_names(self, deployment: Deployment) -> None:
        assert deployment.tables == ("kopru-Data-CoreTable",)
        assert deployment.buckets == ("kopru-data-filesbucket",)
        assert "kopru-OnlyInProduction" not in deployment.queues
        assert deployment.buses == ("default", "kopru-bus")
        assert deployment.state_machines == (ARN.format("states", "stateMachine:kopru-Approval"),)
        assert deployment.outputs["Approval"] == deployment.state_machines[0]
        assert deployment.physical_ids["Data/CoreTable"] == "kopru-Data-CoreTable"
        assert deployment.mail_event_types["kopru-mail"][0] == "SEND"

    def test_what_is_only_declared_is_listed(self, deployment: Deployment) -> None:
        assert DeclaredOnly("Alarm", "AWS::CloudWatch::Alarm") in deployment.declared_only


def test_queues_have_their_settings(cloud: LocalCloud) -> None:
    attributes = cloud.sqs.attributes("kopru-WorkQueue")
    assert attributes["VisibilityTimeout"] == "60"
    policy = json.loads(attributes["RedrivePolicy"])
    assert policy["deadLetterTargetArn"] == ARN.format("sqs", "kopru-DeadLetters")
    url = deployed(cloud).physical_ids["WorkQueue"]
    assert url == f"{cloud.endpoint_url}/123456789012/kopru-WorkQueue"


def test_the_environment_of_functions(cloud: LocalCloud) -> None:
    environment = cloud.boto3_env()
    assert environment["AWS_ENDPOINT_URL"] == cloud.endpoint_url
    assert set(environment) == {
        "AWS_ENDPOINT_URL",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
    }


def test_what_is_not_emulated_is_said_aloud(tmp_path: Path) -> None:
    said: list[str] = []
    cloud = LocalCloud(tmp_path / "state", log=said.append)
    cloud.start()
    try:
        cloud.deploy(write_sample(tmp_path / "checkout"), {})
    finally:
        cloud.stop()
    assert "AWS::CloudWatch::Alarm" in said[0]


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("CodeUri: functions/pensions", "CodeUri: functions/absent", "ends? the path|no folder"),
        ("Name: !Sub '${AWS::StackName}-bus'", "Tags: []", "Bus lacks the property 'Name'"),
        ("infra/approval.asl.yaml", "infra/absent.yaml", "there is no state machine"),
        ("infra/data.yaml", "infra/absent.yaml", "There is no template"),
        ("Queue: !GetAtt WorkQueue.Arn", "Queue: arn:aws:kinesis:x:1:y", "only queues can call"),
    ],
)
def test_mistakes_of_a_template_are_named(
    tmp_path: Path, before: str, after: str, complaint: str
) -> None:
    template = write_sample(tmp_path / "checkout")
    text = template.read_text(encoding="utf-8")
    assert before in text
    template.write_text(text.replace(before, after), encoding="utf-8")
    cloud = LocalCloud(tmp_path / "state", log=lambda _: None)
    cloud.start()
    try:
        with pytest.raises(TemplateError, match=complaint):
            cloud.deploy(template, {})
    finally:
        cloud.stop()


def test_an_index_name_that_aws_refuses_is_refused_here(tmp_path: Path) -> None:
    template = write_sample(tmp_path / "checkout")
    data = template.parent / "infra/data.yaml"
    text = data.read_text(encoding="utf-8")
    data.write_text(text.replace("IndexName: due", "IndexName: by"), encoding="utf-8")
    cloud = LocalCloud(tmp_path / "state", log=lambda _: None)
    cloud.start()
    try:
        with pytest.raises(TemplateError, match="index name 'by' is too short"):
            cloud.deploy(template, {})
    finally:
        cloud.stop()


def test_deploying_again_changes_nothing(cloud: LocalCloud, tmp_path: Path) -> None:
    fill(cloud, "1")
    again = cloud.deploy(tmp_path / "checkout/template.yaml", {})
    assert again.physical_ids == deployed(cloud).physical_ids
    check(cloud, "1")


# ---------------------------------------------------------------------- nothing is lost


def fill(cloud: LocalCloud, name: str) -> None:
    """Write one of everything under a name; returns when all of it is acknowledged."""
    outputs = deployed(cloud).outputs
    database = cloud.client("dynamodb")
    sealed = cloud.client("kms").encrypt(
        KeyId="alias/credentials", Plaintext=name.encode(), EncryptionContext={"n": name}
    )["CiphertextBlob"]
    key = {"pk": {"S": f"item#{name}"}, "sk": {"S": "META"}}
    due = {"due_pk": {"S": "due"}, "due_sk": {"S": name}}
    database.put_item(TableName=outputs["Table"], Item={**key, **due, "sealed": {"B": sealed}})
    database.transact_write_items(
        TransactItems=[
            {
                "Update": {
                    "TableName": outputs["Table"],
                    "Key": key,
                    "UpdateExpression": "SET v = :one",
                    "ExpressionAttributeValues": {":one": {"N": "1"}},
                }
            },
            {"Put": {"TableName": outputs["Table"], "Item": {**key, "sk": {"S": "HIST"}}}},
        ]
    )
    cloud.client("s3").put_object(
        Bucket=outputs["Files"], Key=f"T/{name}", Body=name.encode(), Metadata={"filename": name}
    )
    cloud.sqs.send("kopru-EventsQueue", name)
    cloud.client("sesv2").send_email(
        FromEmailAddress="kopru@example.com",
        Destination={"ToAddresses": [f"person{name}@example.com"]},
        Content={"Simple": {"Subject": {"Data": name}, "Body": {"Text": {"Data": name}}}},
    )
    cloud.client("secretsmanager").put_secret_value(
        SecretId=deployed(cloud).physical_ids["Data/ApplicationSecret"], SecretString=name
    )


def check(cloud: LocalCloud, name: str) -> None:
    """Everything of this name is there and usable."""
    outputs = deployed(cloud).outputs
    database = cloud.client("dynamodb")
    key = {"pk": {"S": f"item#{name}"}, "sk": {"S": "META"}}
    item = database.get_item(TableName=outputs["Table"], Key=key)["Item"]
    assert item["v"] == {"N": "1"}
    opened = cloud.client("kms").decrypt(
        CiphertextBlob=item["sealed"]["B"], EncryptionContext={"n": name}
    )
    assert opened["Plaintext"] == name.encode()
    history = database.get_item(TableName=outputs["Table"], Key={**key, "sk": {"S": "HIST"}})
    assert "Item" in history
    found = database.query(
        TableName=outputs["Table"],
        IndexName="due",
        KeyConditionExpression="due_pk = :d AND due_sk = :n",
        ExpressionAttributeValues={":d": {"S": "due"}, ":n": {"S": name}},
    )["Items"]
    assert [row["pk"]["S"] for row in found] == [f"item#{name}"]
    stored = cloud.client("s3").get_object(Bucket=outputs["Files"], Key=f"T/{name}")
    assert (stored["Body"].read(), stored["Metadata"]) == (name.encode(), {"filename": name})
    assert name in [message.body for message in cloud.sqs.peek("kopru-EventsQueue", 10_000)]
    assert [mail.subject for mail in cloud.mail.list(search=f"person{name}@")] == [name]


def secret(cloud: LocalCloud) -> str:
    arn = deployed(cloud).physical_ids["Data/ApplicationSecret"]
    value: str = cloud.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
    return value


def identity(cloud: LocalCloud) -> dict[str, str]:
    """What must be the same for ever: keys, secrets and names."""
    return {
        path: value
        for path, value in deployed(cloud).physical_ids.items()
        if not value.startswith("http")
    }


def test_a_restart_continues_where_it_stopped(tmp_path: Path) -> None:
    cloud = running(tmp_path)
    fill(cloud, "1")
    before = identity(cloud)
    cloud.client("s3").delete_object(Bucket=deployed(cloud).outputs["Files"], Key="T/1")
    cloud.stop()
    cloud = running(tmp_path)
    try:
        assert identity(cloud) == before
        assert secret(cloud) == "1"
        bucket = deployed(cloud).outputs["Files"]
        client = cloud.client("s3")
        with pytest.raises(client.exceptions.NoSuchKey):
            client.get_object(Bucket=bucket, Key="T/1")
        versions = client.list_object_versions(Bucket=bucket, Prefix="T/1")
        assert len(versions["Versions"]) == len(versions["DeleteMarkers"]) == 1
        old = versions["Versions"][0]["VersionId"]
        body = client.get_object(Bucket=bucket, Key="T/1", VersionId=old)["Body"]
        assert body.read() == b"1"
        fill(cloud, "2")
        check(cloud, "2")
    finally:
        cloud.stop()


def test_a_killed_cloud_loses_nothing_acknowledged(tmp_path: Path) -> None:
    script = (
        "import itertools, pathlib, sys\n"
        "from tests.unit.local.test_cloud import fill, identity, running\n"
        f"cloud = running(pathlib.Path({str(tmp_path)!r}))\n"
        "import json\n"
        "print(json.dumps(identity(cloud)), flush=True)\n"
        "for number in itertools.count():\n"
        "    fill(cloud, str(number))\n"
        "    print(number, flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        before = json.loads(process.stdout.readline())
        acknowledged = 0
        for line in process.stdout:
            acknowledged = int(line)
            if acknowledged >= 12:
                process.send_signal(signal.SIGKILL)
                break
        acknowledged = max([acknowledged, *map(int, process.stdout.read().split())])
    cloud = running(tmp_path)
    try:
        assert identity(cloud) == before
        for number in range(acknowledged + 1):
            check(cloud, str(number))
        assert int(secret(cloud)) in (acknowledged, acknowledged + 1)
    finally:
        cloud.stop()


def test_a_cancelled_transaction_leaves_no_trace_in_the_journal(tmp_path: Path) -> None:
    cloud = running(tmp_path)
    table = deployed(cloud).outputs["Table"]
    row: dict[str, Any] = {"pk": {"S": "a"}, "sk": {"S": "1"}}
    big = {**row, "sk": {"S": "2"}, "x": {"S": "x" * 405_001}}
    with pytest.raises(ClientError):
        cloud.client("dynamodb").transact_write_items(
            TransactItems=[{"Put": {"TableName": table, "Item": item}} for item in (row, big)]
        )
    cloud.stop()
    cloud = running(tmp_path)
    try:
        assert "Item" not in cloud.client("dynamodb").get_item(TableName=table, Key=row)
    finally:
        cloud.stop()


def test_a_reset_forgets_everything(cloud: LocalCloud) -> None:
    fill(cloud, "1")
    before = deployed(cloud).physical_ids["Data/CredentialsKey"]
    cloud.reset()
    table = deployed(cloud).outputs["Table"]
    key = {"pk": {"S": "item#1"}, "sk": {"S": "META"}}
    assert "Item" not in cloud.client("dynamodb").get_item(TableName=table, Key=key)
    assert cloud.sqs.counts("kopru-EventsQueue").visible == 0
    assert cloud.mail.count() == 0
    assert deployed(cloud).physical_ids["Data/CredentialsKey"] != before
    fill(cloud, "2")
    check(cloud, "2")


def test_a_snapshot_brings_everything_back(cloud: LocalCloud) -> None:
    fill(cloud, "1")
    before = identity(cloud)
    cloud.save_snapshot("before")
    cloud.reset()
    fill(cloud, "2")
    cloud.load_snapshot("before")
    assert identity(cloud) == before
    check(cloud, "1")
    assert secret(cloud) == "1"
    table = deployed(cloud).outputs["Table"]
    key = {"pk": {"S": "item#2"}, "sk": {"S": "META"}}
    assert "Item" not in cloud.client("dynamodb").get_item(TableName=table, Key=key)
    with pytest.raises(LocalCloudError, match="no snapshot"):
        cloud.load_snapshot("absent")
    check(cloud, "1")


def test_a_process_has_one_cloud(cloud: LocalCloud, tmp_path: Path) -> None:
    with pytest.raises(LocalCloudError, match="Another local cloud is running"):
        LocalCloud(tmp_path / "other").start()
    fill(cloud, "still works")


def test_a_folder_or_port_that_is_taken_is_said(tmp_path: Path) -> None:
    owner = LocalState(tmp_path / "owned")
    owner.open()
    with pytest.raises(LocalCloudError, match="in use by process"):
        LocalCloud(tmp_path / "owned").start()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LocalCloudError, match=f"Port {port} of this machine is taken"):
            LocalCloud(tmp_path / "free", port=port).start()
    # Whoever was refused left nothing behind that stands in the way of the next one.
    running(tmp_path / "free").stop()
    owner.close()


def test_importing_the_cloud_does_not_import_all_of_moto() -> None:
    script = (
        "import sys\n"
        "from infra.local.cloud import LocalCloud\n"
        "assert 'moto.ec2.models' not in sys.modules\n"
        "from moto.batch import batch_backends\n"
        "assert batch_backends['123456789012']['eu-central-1'].region_name == 'eu-central-1'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_stopped_cloud_says_so(tmp_path: Path) -> None:
    cloud = LocalCloud(tmp_path / "state")
    with pytest.raises(LocalCloudError, match="not running"):
        _ = cloud.sqs
    with pytest.raises(LocalCloudError, match="not running"):
        _ = cloud.endpoint_url
