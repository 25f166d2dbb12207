"""One endpoint for every service: what SDKs and browsers get from it, and what it refuses."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.local.cloud import LocalCloud
from infra.local.cloud.model import FunctionNotFoundError, InvokeOutcome, ThrottledError
from tests.unit.local.conftest import receive

GATEWAY = "http://localhost:8000"


@pytest.fixture(scope="module")
def cloud(shared_cloud: LocalCloud) -> LocalCloud:
    return shared_cloud


@pytest.fixture
def bucket(cloud: LocalCloud) -> str:
    assert cloud.deployment is not None
    return cloud.deployment.outputs["Files"]


@pytest.fixture
def table(cloud: LocalCloud) -> str:
    assert cloud.deployment is not None
    return cloud.deployment.outputs["Table"]


class TestFunctions:
    class Runtime:
        def __init__(self) -> None:
            self.events: list[tuple[str, bytes]] = []

        def invoke(self, function_name: str, payload: bytes) -> InvokeOutcome:
            match function_name:
                case "absent":
                    raise FunctionNotFoundError(function_name)
                case "busy":
                    raise ThrottledError(function_name)
                case "failing":
                    return InvokeOutcome(b'{"errorType": "ValueError"}', "Unhandled")
            return InvokeOutcome(json.dumps([function_name, json.loads(payload)]).encode())

        def invoke_async(self, function_name: str, payload: bytes) -> None:
            if function_name == "absent":
                raise FunctionNotFoundError(function_name)
            self.events.append((function_name, payload))

    @pytest.fixture
    def runtime(self, cloud: LocalCloud) -> Iterator[Runtime]:
        before = cloud.invoker()
        runtime = self.Runtime()
        cloud.set_invoker(runtime)
        yield runtime
        cloud.set_invoker(before)

    @pytest.mark.parametrize(
        "reference",
        [
            "worker",
            "worker:live",
            "123456789012:function:worker",
            "arn:aws:lambda:eu-central-1:123456789012:function:worker:live",
        ],
    )
    def test_an_answer_comes_back(
        self, cloud: LocalCloud, runtime: Runtime, reference: str
    ) -> None:
        answer = cloud.client("lambda").invoke(FunctionName=reference, Payload=b'{"a": 1}')
        assert json.loads(answer["Payload"].read()) == ["worker", {"a": 1}]
        assert "FunctionError" not in answer

    def test_a_failure_of_the_function_is_no_failure_of_the_call(
        self, cloud: LocalCloud, runtime: Runtime
    ) -> None:
        answer = cloud.client("lambda").invoke(FunctionName="failing")
        assert answer["FunctionError"] == "Unhandled"
        assert json.loads(answer["Payload"].read()) == {"errorType": "ValueError"}

    def test_events_are_accepted_for_later(self, cloud: LocalCloud, runtime: Runtime) -> None:
        answer = cloud.client("lambda").invoke(
            FunctionName="worker", InvocationType="Event", Payload=b"{}"
        )
        assert answer["StatusCode"] == 202
        assert runtime.events == [("worker", b"{}")]

    def test_absent_and_busy_functions(self, cloud: LocalCloud, runtime: Runtime) -> None:
        client = cloud.client("lambda")
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            client.invoke(FunctionName="absent")
        with pytest.raises(client.exceptions.TooManyRequestsException):
            client.invoke(FunctionName="busy")

    def test_nobody_runs_functions_before_the_runtime_is_there(self, cloud: LocalCloud) -> None:
        client = cloud.client("lambda")
        with pytest.raises(client.exceptions.ResourceNotFoundException, match="no runtime"):
            client.invoke(FunctionName="worker")


class TestQueues:
    def test_any_url_of_a_queue_leads_here(self, cloud: LocalCloud) -> None:
        client = cloud.client("sqs")
        url = client.get_queue_url(QueueName="kopru-WorkQueue")["QueueUrl"]
        assert url.startswith(cloud.endpoint_url)
        aws = "https://sqs.eu-central-1.amazonaws.com/123456789012/kopru-WorkQueue"
        sent = client.send_message(
            QueueUrl=aws,
            MessageBody="hello",
            MessageGroupId="tenant",
            MessageAttributes={
                "kind": {"DataType": "String", "StringValue": "k"},
                "raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
            },
        )
        # The SDK compares the checksums of body and attributes by itself.
        (message,) = client.receive_message(
            QueueUrl=url, MessageAttributeNames=["All"], AttributeNames=["All"]
        )["Messages"]
        assert message["MessageId"] == sent["MessageId"]
        assert message["MessageAttributes"]["raw"]["BinaryValue"] == b"\x00\xff"
        assert message["Attributes"]["MessageGroupId"] == "tenant"
        client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def test_errors_have_their_exception(self, cloud: LocalCloud) -> None:
        client = cloud.client("sqs")
        with pytest.raises(client.exceptions.QueueDoesNotExist):
            client.get_queue_url(QueueName="absent")

    def test_a_long_poll_waits_without_holding_others(self, cloud: LocalCloud) -> None:
        url = cloud.client("sqs").get_queue_url(QueueName="kopru-EventsQueue")["QueueUrl"]
        started = time.monotonic()
        assert "Messages" not in cloud.client("sqs").receive_message(
            QueueUrl=url, WaitTimeSeconds=1
        )
        assert 0.9 < time.monotonic() - started < 10


class TestItems:
    def test_every_type_survives_the_wire(self, cloud: LocalCloud, table: str) -> None:
        item = {
            "pk": {"S": "types"},
            "sk": {"S": "Şule – Ελλάδα"},
            "number": {"N": "123456789012345"},
            "bytes": {"B": b"\x00\xff"},
            "texts": {"SS": ["a", "b"]},
            "numbers": {"NS": ["1", "2"]},
            "blobs": {"BS": [b"\x01"]},
            "list": {"L": [{"S": "x"}, {"NULL": True}, {"BOOL": False}]},
            "map": {"M": {"B": {"S": "a member called B"}, "deep": {"M": {"x": {"N": "1"}}}}},
        }
        client = cloud.client("dynamodb")
        client.put_item(TableName=table, Item=item)
        key = {"pk": item["pk"], "sk": item["sk"]}
        assert client.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"] == item

    def test_a_failed_condition_shows_the_item(self, cloud: LocalCloud, table: str) -> None:
        client = cloud.client("dynamodb")
        item = {"pk": {"S": "claimed"}, "sk": {"S": "META"}, "sealed": {"B": b"\xfe"}}
        client.put_item(TableName=table, Item=item)
        with pytest.raises(client.exceptions.ConditionalCheckFailedException) as caught:
            client.put_item(
                TableName=table,
                Item=item,
                ConditionExpression="attribute_not_exists(pk)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        assert caught.value.response["Item"] == item

    @pytest.mark.parametrize(
        ("operation", "request_"),
        [
            ("get_item", {"Key": {"pk": {"S": "x"}}}),
            ("get_item", {"Key": {"pk": {"S": ""}, "sk": {"S": "x"}}}),
            ("put_item", {"Item": {"pk": {"S": "x"}}}),
            (
                "query",
                {
                    "KeyConditionExpression": "nonsense = :x",
                    "ExpressionAttributeValues": {":x": {"S": "x"}},
                },
            ),
            (
                "update_item",
                {
                    "Key": {"pk": {"S": "x"}, "sk": {"S": "x"}},
                    "UpdateExpression": "SET a = :missing",
                },
            ),
            (
                "put_item",
                {
                    "Item": {"pk": {"S": "x"}, "sk": {"S": "x"}},
                    "ConditionExpression": "pk = :missing",
                },
            ),
        ],
    )
    def test_mistakes_are_validation_errors(
        self, cloud: LocalCloud, table: str, operation: str, request_: dict[str, Any]
    ) -> None:
        with pytest.raises(ClientError) as caught:
            getattr(cloud.client("dynamodb"), operation)(TableName=table, **request_)
        assert caught.value.response["Error"]["Code"] == "ValidationException"

    def test_concurrent_claims_have_one_winner(self, cloud: LocalCloud, table: str) -> None:
        client = cloud.client("dynamodb")
        key = {"pk": {"S": "contested"}, "sk": {"S": "META"}}
        client.put_item(TableName=table, Item={**key, "state": {"S": "OPEN"}})

        def claim(attempt: int) -> bool:
            try:
                client.update_item(
                    TableName=table,
                    Key=key,
                    UpdateExpression="SET #s = :sending, attempt = :a",
                    ConditionExpression="#s = :open",
                    ExpressionAttributeNames={"#s": "state"},
                    ExpressionAttributeValues={
                        ":sending": {"S": "SENDING"},
                        ":open": {"S": "OPEN"},
                        ":a": {"N": str(attempt)},
                    },
                )
            except client.exceptions.ConditionalCheckFailedException:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(claim, range(16))) == 1

    def test_cancelled_transactions_take_nobody_elses_writes_along(
        self, cloud: LocalCloud, table: str
    ) -> None:
        client = cloud.client("dynamodb")

        def write(number: int) -> None:
            client.put_item(
                TableName=table, Item={"pk": {"S": "kept"}, "sk": {"S": f"{number:03d}"}}
            )

        def cancel(number: int) -> None:
            puts = [
                {"TableName": table, "Item": {"pk": {"S": "lost"}, "sk": {"S": f"{number}#{n}"}}}
                for n in range(5)
            ]
            puts[-1]["ConditionExpression"] = "attribute_exists(pk)"
            with pytest.raises(client.exceptions.TransactionCanceledException):
                client.transact_write_items(TransactItems=[{"Put": put} for put in puts])

        with ThreadPoolExecutor(8) as pool:
            writes = [pool.submit(write, number) for number in range(150)]
            cancels = [pool.submit(cancel, number) for number in range(40)]
            for future in (*writes, *cancels):
                future.result()

        def count(pk: str) -> int:
            answer = client.query(
                TableName=table,
                KeyConditionExpression="pk = :p",
                ExpressionAttributeValues={":p": {"S": pk}},
                Select="COUNT",
            )
            return int(answer["Count"])

        assert (count("kept"), count("lost")) == (150, 0)

    def test_an_unknown_table(self, cloud: LocalCloud) -> None:
        client = cloud.client("dynamodb")
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            client.get_item(TableName="absent", Key={"pk": {"S": "x"}, "sk": {"S": "x"}})

    def test_tables_themselves_are_described_by_moto(self, cloud: LocalCloud, table: str) -> None:
        client = cloud.client("dynamodb")
        described = client.describe_table(TableName=table)["Table"]
        assert described["TableName"] == table
        ttl = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        assert ttl["AttributeName"] == "ttl"


class TestMailAndEvents:
    def test_published_events_reach_their_queue(self, cloud: LocalCloud) -> None:
        answer = cloud.client("events").put_events(
            Entries=[
                {
                    "Source": "kopru.pensions",
                    "DetailType": "pensions.SubmissionFinished.v1",
                    "Detail": '{"id": "1"}',
                    "EventBusName": "kopru-bus",
                }
            ]
        )
        assert answer["FailedEntryCount"] == 0
        (message,) = receive(cloud, "EventsQueue")
        assert json.loads(message.body)["detail"] == {"id": "1"}

    def test_too_many_entries(self, cloud: LocalCloud) -> None:
        entry = {"Source": "s", "DetailType": "d", "Detail": "{}"}
        with pytest.raises(ClientError, match="ValidationException"):
            cloud.client("events").put_events(Entries=[entry] * 11)

    def test_a_mail_is_captured_and_reported(self, cloud: LocalCloud) -> None:
        answer = cloud.client("sesv2").send_email(
            FromEmailAddress="kopru@example.com",
            Destination={"ToAddresses": ["ada@example.com"]},
            Content={"Simple": {"Subject": {"Data": "Selam"}, "Body": {"Text": {"Data": "x"}}}},
            ConfigurationSetName="kopru-mail",
            EmailTags=[{"Name": "kopru-message", "Value": "01J"}],
        )
        mail = cloud.mail.list()[0]
        assert (mail.message_id, mail.subject) == (answer["MessageId"], "Selam")
        kinds: list[str] = []
        for _ in range(10):
            kinds += [
                json.loads(m.body)["detail"]["eventType"] for m in receive(cloud, "MailQueue")
            ]
            if len(kinds) >= 2:
                break
        assert kinds == ["Send", "Delivery"]

    def test_a_refused_mail_has_its_exception(self, cloud: LocalCloud) -> None:
        client = cloud.client("sesv2")
        with pytest.raises(client.exceptions.BadRequestException):
            client.send_email(
                FromEmailAddress="kopru@example.com",
                Destination={},
                Content={"Simple": {"Subject": {"Data": "x"}, "Body": {"Text": {"Data": "x"}}}},
            )

    def test_the_first_version_of_the_mail_service_works_too(self, cloud: LocalCloud) -> None:
        client = cloud.client("ses")
        sent = client.send_email(
            Source="kopru@example.com",
            Destination={"ToAddresses": ["a@example.com", "b@example.com"]},
            Message={"Subject": {"Data": "v1"}, "Body": {"Html": {"Data": "<p>x</p>"}}},
            Tags=[{"Name": "k", "Value": "v"}],
        )
        mail = cloud.mail.list()[0]
        assert mail.message_id == sent["MessageId"]
        assert (mail.subject, mail.html, mail.tags) == ("v1", "<p>x</p>", {"k": "v"})
        assert mail.to == ("a@example.com", "b@example.com")
        raw = b"From: kopru@example.com\r\nTo: c@example.com\r\nSubject: raw\r\n\r\nx"
        client.send_raw_email(RawMessage={"Data": raw})
        assert cloud.mail.list()[0].subject == "raw"


class TestObjects:
    def test_objects_come_back_with_their_metadata(self, cloud: LocalCloud, bucket: str) -> None:
        client = cloud.client("s3")
        client.put_object(
            Bucket=bucket,
            Key="T/1/uploads/a b",
            Body=b"content",
            ContentType="text/csv",
            Metadata={"filename": "rows.csv"},
        )
        answer = client.get_object(Bucket=bucket, Key="T/1/uploads/a b")
        assert answer["Body"].read() == b"content"
        assert answer["ContentType"] == "text/csv"
        assert answer["Metadata"] == {"filename": "rows.csv"}
        assert client.head_object(Bucket=bucket, Key="T/1/uploads/a b")["ContentLength"] == 7

    def test_absent_objects_and_conditional_writes(self, cloud: LocalCloud, bucket: str) -> None:
        client = cloud.client("s3")
        with pytest.raises(client.exceptions.NoSuchKey):
            client.get_object(Bucket=bucket, Key="absent")
        client.put_object(Bucket=bucket, Key="once", Body=b"1", IfNoneMatch="*")
        with pytest.raises(ClientError, match="PreconditionFailed"):
            client.put_object(Bucket=bucket, Key="once", Body=b"2", IfNoneMatch="*")

    def test_a_signed_link_works_until_it_expires(self, cloud: LocalCloud, bucket: str) -> None:
        client = cloud.client("s3")
        client.put_object(Bucket=bucket, Key="T/1/çıktı.csv", Body=b"x")
        parameters = {
            "Bucket": bucket,
            "Key": "T/1/çıktı.csv",
            "ResponseContentDisposition": 'attachment; filename="çıktı.csv"',
        }
        link = client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=60)
        answer = httpx.get(link, headers={"Origin": GATEWAY})
        assert (answer.status_code, answer.content) == (200, b"x")
        assert answer.headers["access-control-allow-origin"] == GATEWAY
        assert "attachment" in answer.headers["content-disposition"]
        for changed in (link.replace("X-Amz-Expires=60", "X-Amz-Expires=6000"), link[:-1] + "0"):
            if changed != link:
                refused = httpx.get(changed)
                assert (refused.status_code, "SignatureDoesNotMatch" in refused.text) == (403, True)
        short = client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=1)
        time.sleep(2.1)
        expired = httpx.get(short)
        assert (expired.status_code, "expired" in expired.text) == (403, True)

    def test_a_link_of_another_key_pair_is_worthless(self, cloud: LocalCloud, bucket: str) -> None:
        stranger = boto3.client(
            "s3",
            region_name="eu-central-1",
            endpoint_url=cloud.endpoint_url,
            aws_access_key_id="local",
            aws_secret_access_key="guessed",
            config=Config(s3={"addressing_style": "path"}),
        )
        link = stranger.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "x"})
        assert httpx.get(link).status_code == 403

    @pytest.mark.parametrize(
        "query",
        [
            "X-Amz-Signature=x",
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=x&X-Amz-Date=yesterday",
        ],
    )
    def test_half_a_signature_is_refused(self, cloud: LocalCloud, bucket: str, query: str) -> None:
        answer = httpx.get(f"{cloud.endpoint_url}/{bucket}/x?{query}")
        assert (answer.status_code, "AuthorizationQuery" in answer.text) == (400, True)


class TestForms:
    KEY = "T/1/uploads/01J"

    def form(self, cloud: LocalCloud, bucket: str, **more: Any) -> dict[str, Any]:
        fields = {"Content-Type": "text/csv", "x-amz-meta-filename": "satırlar.csv"}
        conditions: list[Any] = [
            {"Content-Type": "text/csv"},
            ["starts-with", "$x-amz-meta-filename", ""],
            ["content-length-range", 1, 100],
        ]
        for name, value in more.pop("fields", {}).items():
            fields[name] = value
            conditions.append({name: value})
        form: dict[str, Any] = cloud.client("s3").generate_presigned_post(
            bucket, self.KEY, Fields=fields, Conditions=conditions, ExpiresIn=60, **more
        )
        return form

    def send(self, form: dict[str, Any], content: bytes = b"a;b\n", **changes: Any) -> Any:
        fields = {**form["fields"], **changes}
        return httpx.post(
            form["url"],
            data={name: value for name, value in fields.items() if value is not None},
            files={"file": ("rows.csv", content)},
            headers={"Origin": GATEWAY},
        )

    def test_a_browser_uploads_binary_content(self, cloud: LocalCloud, bucket: str) -> None:
        content = bytes(range(100))
        answer = self.send(self.form(cloud, bucket), content)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == GATEWAY
        stored = cloud.client("s3").get_object(Bucket=bucket, Key=self.KEY)
        assert stored["Body"].read() == content
        assert stored["ContentType"] == "text/csv"
        assert "filename" in stored["Metadata"]

    @pytest.mark.parametrize(
        ("content", "code"), [(b"", "EntityTooSmall"), (b"x" * 101, "EntityTooLarge")]
    )
    def test_the_size_is_limited(
        self, cloud: LocalCloud, bucket: str, content: bytes, code: str
    ) -> None:
        answer = self.send(self.form(cloud, bucket), content)
        assert (answer.status_code, code in answer.text) == (400, True)

    @pytest.mark.parametrize(
        ("changes", "status", "reason"),
        [
            ({"key": "T/2/uploads/01J"}, 403, "Policy Condition failed"),
            ({"Content-Type": "text/html"}, 403, "Policy Condition failed"),
            ({"Cache-Control": "no-store"}, 403, "Extra input fields: cache-control"),
            ({"x-ignore-me": "please"}, 204, ""),
            ({"x-amz-signature": "0" * 64}, 403, "SignatureDoesNotMatch"),
            ({"policy": "e30="}, 403, "SignatureDoesNotMatch"),
            ({"policy": None}, 403, "no field policy"),
        ],
    )
    def test_the_policy_holds(
        self, cloud: LocalCloud, bucket: str, changes: dict[str, Any], status: int, reason: str
    ) -> None:
        answer = self.send(self.form(cloud, bucket), **changes)
        assert (answer.status_code, reason in answer.text) == (status, True)

    def test_a_form_expires(self, cloud: LocalCloud, bucket: str) -> None:
        form = cloud.client("s3").generate_presigned_post(bucket, self.KEY, ExpiresIn=1)
        time.sleep(2.1)
        answer = self.send(form)
        assert (answer.status_code, "Policy expired" in answer.text) == (403, True)

    def test_a_form_without_file(self, cloud: LocalCloud, bucket: str) -> None:
        form = self.form(cloud, bucket)
        answer = httpx.post(form["url"], files={"key": (None, self.KEY)})
        assert (answer.status_code, "exactly one file" in answer.text) == (400, True)

    def test_the_browser_can_be_sent_on(self, cloud: LocalCloud, bucket: str) -> None:
        target = f"{GATEWAY}/pensions/uploads?step=2"
        answer = self.send(self.form(cloud, bucket, fields={"success_action_redirect": target}))
        assert answer.status_code == 303
        location = urlsplit(answer.headers["location"])
        assert location.netloc == "localhost:8000"
        query = parse_qs(location.query)
        assert (query["step"], query["key"], query["bucket"]) == (["2"], [self.KEY], [bucket])

    def test_a_status_can_be_asked_for(self, cloud: LocalCloud, bucket: str) -> None:
        answer = self.send(self.form(cloud, bucket, fields={"success_action_status": "201"}))
        assert answer.status_code == 201

    def test_preflights_are_for_pages_of_this_machine(self, cloud: LocalCloud, bucket: str) -> None:
        for origin, allowed in ((GATEWAY, True), ("https://evil.example", False)):
            answer = httpx.options(
                f"{cloud.endpoint_url}/{bucket}",
                headers={"Origin": origin, "Access-Control-Request-Headers": "x-a"},
            )
            assert ("access-control-allow-origin" in answer.headers) is allowed


class TestDoor:
    def test_nothing_is_done_without_a_signature(self, cloud: LocalCloud, bucket: str) -> None:
        assert httpx.get(f"{cloud.endpoint_url}/{bucket}?list-type=2").status_code == 403
        assert httpx.put(f"{cloud.endpoint_url}/{bucket}/x", content=b"x").status_code == 403
        target = {"X-Amz-Target": "DynamoDB_20120810.ListTables"}
        assert httpx.post(cloud.endpoint_url, headers=target).status_code == 403

    def test_only_names_of_this_machine_are_answered(self, cloud: LocalCloud) -> None:
        answer = httpx.get(cloud.endpoint_url, headers={"Host": "evil.example"})
        assert answer.status_code == 403
        assert "localhost only" in answer.text

    def test_a_mistake_of_ours_is_a_server_error(
        self, cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        said: list[str] = []
        services = cloud._running().endpoint._services
        monkeypatch.setattr(type(services.mail), "send", lambda *_: 1 / 0)
        monkeypatch.setattr(cloud, "log", said.append)
        object.__setattr__(services, "log", said.append)
        try:
            with pytest.raises(ClientError) as caught:
                cloud.client("sesv2").send_email(
                    Content={"Simple": {"Subject": {"Data": ""}, "Body": {"Text": {"Data": ""}}}}
                )
        finally:
            monkeypatch.undo()
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
        assert "ZeroDivisionError" in said[0]

    def test_connections_are_kept_and_bodies_may_come_in_chunks(self, cloud: LocalCloud) -> None:
        host = urlsplit(cloud.endpoint_url).netloc
        connection = http.client.HTTPConnection(host)
        for _ in range(2):
            connection.request("POST", "/", iter([b"abc", b"d" * 5000]), encode_chunked=True)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 403
        connection.close()

    @pytest.mark.parametrize(
        ("sent", "status"),
        [
            (b"nonsense\r\n\r\n", b"400"),
            (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
            (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 201 + b"\r\n", b"431"),
            (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n", b"413"),
            (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", b"413"),
            (b"GET / HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n", b"403"),
        ],
    )
    def test_strange_bytes_end_the_conversation(
        self, cloud: LocalCloud, sent: bytes, status: bytes
    ) -> None:
        address = urlsplit(cloud.endpoint_url)
        with socket.create_connection((address.hostname, address.port or 0), timeout=5) as peer:
            peer.sendall(sent)
            answer = b""
            while piece := peer.recv(4096):
                answer += piece
        assert answer.split(b" ", 2)[1] == status

    def test_other_services_are_answered_by_moto(self, cloud: LocalCloud) -> None:
        assert cloud.client("ssm").get_parameter(Name="/switch")["Parameter"]["Value"] == "local"
        assert cloud.client("sts").get_caller_identity()["Account"] == "123456789012"
        names = [bus["Name"] for bus in cloud.client("events").list_event_buses()["EventBuses"]]
        assert "kopru-bus" in names

    def test_keys_seal_with_their_context(self, cloud: LocalCloud) -> None:
        client = cloud.client("kms")
        sealed = client.encrypt(
            KeyId="alias/credentials", Plaintext=b"secret", EncryptionContext={"tenant": "1"}
        )["CiphertextBlob"]
        opened = client.decrypt(CiphertextBlob=sealed, EncryptionContext={"tenant": "1"})
        assert base64.b64encode(opened["Plaintext"]) == base64.b64encode(b"secret")
        with pytest.raises(client.exceptions.InvalidCiphertextException):
            client.decrypt(CiphertextBlob=sealed, EncryptionContext={"tenant": "2"})
