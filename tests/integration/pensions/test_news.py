"""News of workspace reach pensions through their own queue and are acted on once (PEN-07)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kernel.clock import FixedClock
from tests.support.aws import AwsWorld
from tests.support.events import bus_event, queue_event
from tests.support.lambda_context import LambdaContext
from tests.support.pensions_builders import tckn
from tests.support.pensions_desk import Desk, open_desk, person_body
from toolkit.platform import Platform

pytestmark = pytest.mark.loopback

SCHEMAS = Path(__file__).parents[3] / "events" / "schemas"


@pytest.fixture
def desk(aws: AwsWorld, platform: Platform, clock: FixedClock, tmp_path: Path) -> Iterator[Desk]:
    """One company and one insurer, on the wire."""
    with open_desk(aws, platform, clock, tmp_path, ("garanti",)) as made:
        yield made


def news(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """An event of workspace as the bus delivers it, with other data."""
    name = f"workspace.{kind}.v1"
    (example,) = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))["examples"]
    envelope = {**example, "tenant_id": "T1", "data": {**example["data"], **data}}
    return queue_event(bus_event(envelope))


def deliver(event: dict[str, Any]) -> list[Any]:
    """The real handler; the records that failed."""
    from pensions.handlers import on_events

    failed: list[Any] = on_events.handler(event, LambdaContext())["batchItemFailures"]
    return failed


def test_a_resolved_incident_releases_the_people_and_they_are_sent(desk: Desk) -> None:
    base = desk.contract("garanti")
    refused = {"national_id": tckn(1), "reason": "system"}
    desk.insurers["garanti"].script({"reject": refused})
    desk.call("POST", f"{base}/employees", person_body(tckn(1)))
    desk.command(f"{base}/submissions", {"all": True})
    assert desk.people(base)[tckn(1)]["status"] == "held"
    (opened,) = desk.aws.published("pensions.IncidentOpened.v1")  # takes all that was published
    desk.insurers["garanti"].script({"accept": refused})
    resolved = news(
        "IncidentResolved", {"subject": opened["data"]["subject"], "code": opened["data"]["code"]}
    )
    assert deliver(resolved) == []
    assert deliver(resolved) == []
    desk.work()
    assert desk.people(base)[tckn(1)]["status"] == "enrolled"
    codes = [event["data"]["code"] for event in desk.aws.published("pensions.AttentionRaised.v1")]
    assert codes == ["enrolment_released"]


def test_a_job_is_stopped_on_request(desk: Desk) -> None:
    base = desk.contract("garanti")
    desk.call("POST", f"{base}/employees", person_body(tckn(1)))
    headers = {"idempotency-key": "k"}
    started = desk.call("POST", f"{base}/submissions", {"all": True}, headers=headers)
    assert desk.job(started["id"])["cancellable"] is True
    asked = news("JobCancelRequested", {"job_id": started["id"], "kind": started["kind"]})
    assert deliver(asked) == []
    desk.work()
    assert desk.job(started["id"])["status"] == "cancelled"
    assert desk.people(base)[tckn(1)]["status"] == "ready"
    assert desk.insurers["garanti"].calls().get("enrol", 0) == 0


def test_news_about_what_this_company_does_not_have_change_nothing(desk: Desk) -> None:
    before = desk.contents()
    example = (SCHEMAS.parent / "pensions" / "on_events.json").read_text(encoding="utf-8")
    assert deliver(json.loads(example)) == []
    assert deliver(news("TenantCreated", {})) == []
    assert desk.contents() == before
