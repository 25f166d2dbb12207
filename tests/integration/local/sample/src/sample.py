"""Handlers of the sample template: small enough to read, one per kind of trigger."""

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3

table = boto3.resource("dynamodb").Table(os.environ["TABLE"])
queue = boto3.client("sqs")


def now() -> str:
    stored = json.loads(Path(os.environ["KOPRU_CLOCK_FILE"]).read_text())
    offset = int(stored["offset_seconds"])
    return (datetime.now(UTC) + timedelta(seconds=offset)).isoformat()


def answer(code: int, /, **body: Any) -> dict[str, Any]:
    return {
        "statusCode": code,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(body),
    }


def authorizer(event: dict[str, Any], _context: object) -> dict[str, Any]:
    who = event["headers"].get("authorization", "nobody")
    return {"isAuthorized": who != "blocked", "context": {"who": who}}


def web(event: dict[str, Any], _context: object) -> dict[str, Any]:
    method, path = event["requestContext"]["http"]["method"], event["rawPath"]
    if path == "/health":
        return answer(200, status="ok", authorizer="authorizer" in event["requestContext"])
    who = event["requestContext"]["authorizer"]["lambda"]["who"]
    name = path.strip("/") or "home"
    if method == "PUT":
        table.put_item(Item={"pk": name, "who": who, "at": now(), "done": False})
        queue.send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps({"pk": name}))
        return answer(202, name=name)
    if method == "POST" and name == "mail":
        boto3.client("sesv2").send_email(
            FromEmailAddress="sample@example.com",
            Destination={"ToAddresses": ["reader@example.com"]},
            Content={
                "Simple": {
                    "Subject": {"Data": "Merhaba"},
                    "Body": {"Text": {"Data": "Open http://localhost/r/token."}},
                }
            },
        )
        return answer(202)
    if name == "whoami":
        return answer(200, who=who, pid=os.getpid(), now=now(), stage=os.environ["STAGE"])
    item = table.get_item(Key={"pk": name}, ConsistentRead=True).get("Item")
    return answer(200, **item) if item else answer(404)


def slow(_event: object, _context: object) -> None:
    time.sleep(5)


def worker(event: dict[str, Any], _context: object) -> dict[str, Any]:
    failures = []
    for record in event["Records"]:
        name = json.loads(record["body"])["pk"]
        if name.startswith("bad"):
            failures.append({"itemIdentifier": record["messageId"]})
            continue
        table.update_item(
            Key={"pk": name},
            UpdateExpression="SET done = :yes, worker = :pid",
            ExpressionAttributeValues={":yes": True, ":pid": str(os.getpid())},
        )
    return {"batchItemFailures": failures}


def morning(event: dict[str, Any], _context: object) -> dict[str, Any]:
    table.put_item(Item={"pk": f"morning-{event['time']}", "at": now()})
    return {"source": event["source"]}
