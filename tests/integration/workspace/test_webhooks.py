"""Events out: what receivers get, when, how often and in which order."""

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from kernel.clock import FixedClock
from tests.support.aws import AwsWorld
from tests.support.builders import Company
from tests.support.events import queue_event
from tests.support.lambda_context import LambdaContext
from tests.support.scanner import SCANNER
from tests.support.webhook_world import (
    CODE_ISSUED,
    DOWN,
    TAKEN,
    URL,
    Call,
    WebhookWorld,
    webhook_world,
)
from toolkit.platform import Platform
from workspace.domain.delivery import MAX_TRIES, Answer, AnswerKind

GONE = Answer(AnswerKind.GONE, "gone", 410)
REFUSED = Answer(AnswerKind.NOT_TAKEN, "status_refused", 500, "kaputt")


@pytest.fixture
def world(aws: AwsWorld, platform: Platform, clock: FixedClock) -> Iterator[WebhookWorld]:
    """A workspace with scripted receivers."""
    with webhook_world(aws, platform, clock) as made:
        yield made


@pytest.fixture
def company(world: WebhookWorld) -> Company:
    """A company with an owner."""
    return world.workspace.company()


def test_an_event_arrives_once_signed_and_thin(world: WebhookWorld, company: Company) -> None:
    world.endpoint(company.owner)
    (event,) = world.happen(company, "payment_code:A")
    assert world.arrive(event) == []  # the bus brings it twice
    world.work()
    (call,) = world.receivers.calls
    assert (call.url, call.id, call.signatures) == (URL, event.id, 1)
    assert call.body == {
        "type": CODE_ISSUED,
        "timestamp": "2026-06-01T09:00:00Z",
        "data": {"subject": "payment_code:A", "number": 1},
    }
    (delivery,) = world.deliveries(company.owner)
    assert (delivery["status"], delivery["event_id"]) == ("delivered", event.id)
    assert [attempt["http_status"] for attempt in delivery["attempts"]] == [200]


def test_only_what_was_subscribed_to_is_sent(world: WebhookWorld, company: Company) -> None:
    world.endpoint(company.owner, URL, "pensions.*", "payment_codes.CodeClosed.v1")
    stranger = world.workspace.company("Ege Muhasebe")
    world.endpoint(stranger.owner, "https://hooks.ege.example/in")
    world.happen(company, "payment_code:A")
    world.arrive(world.event(company, "contract:B", event_type="pensions.SubmissionFinished.v1"))
    world.work()
    assert [(call.url, call.subject) for call in world.receivers.calls] == [(URL, "contract:B")]


def test_down_for_six_hours_everything_arrives_in_order_per_subject(
    world: WebhookWorld, company: Company
) -> None:
    """The scenario ``webhook-down-6h``."""
    world.endpoint(company.owner)
    subjects = ("payment_code:A", "payment_code:B", "payment_code:C")
    lose_answer = {"left": 1}

    def receiver(call: Call) -> Answer:
        if call.at < up_at:
            return DOWN
        if lose_answer["left"]:
            lose_answer["left"] -= 1
            world.receivers.taken.append(call)  # taken, but its answer is lost
            return Answer(AnswerKind.NOT_TAKEN, "http_timeout")
        return TAKEN

    up_at = world.clock.now() + timedelta(hours=6)
    world.receivers.behaviour = receiver
    published = []
    for _ in range(6):
        published += world.happen(company, *subjects)
        world.pass_time(timedelta(hours=1), timedelta(minutes=30))
    assert world.receivers.taken == []
    down = len(world.receivers.calls)
    assert down <= 3 * 6, "one call per subject and wait, not one per event"
    today = world.workspace.call("GET", "/v1/today", company.owner).json()
    assert [row["code"] for row in today["connections"]] == ["webhook_failing"]
    world.pass_time(timedelta(hours=8), timedelta(minutes=30))

    by_subject: dict[str, list[str]] = defaultdict(list)
    for call in world.receivers.taken:
        if call.id not in by_subject[call.subject]:
            by_subject[call.subject].append(call.id)
    for subject in subjects:
        assert by_subject[subject] == [e.id for e in published if e.subject == subject]
    duplicates = len(world.receivers.taken) - len({call.id for call in world.receivers.taken})
    assert duplicates == 1, "the lost answer, known by its id"
    assert {d["status"] for d in world.deliveries(company.owner)} == {"delivered"}
    today = world.workspace.call("GET", "/v1/today", company.owner).json()
    assert [row["health"] for row in today["connections"]] == ["ok"]


def test_one_success_wakes_everything_that_waits(world: WebhookWorld, company: Company) -> None:
    """Lanes in the middle of a long wait do not sit it out when the target is back."""
    world.endpoint(company.owner)
    world.receivers.behaviour = lambda _call: DOWN
    world.happen(company, "payment_code:A", "payment_code:B")
    world.pass_time(timedelta(hours=3))
    world.receivers.behaviour = lambda _call: TAKEN
    world.happen(company, "payment_code:C")
    world.work()
    assert sorted(call.subject[-1] for call in world.receivers.taken) == ["A", "B", "C"]


def test_ten_tries_in_three_days_then_a_person_is_told(
    world: WebhookWorld, company: Company
) -> None:
    world.endpoint(company.owner)
    world.receivers.behaviour = lambda _call: REFUSED
    start = world.clock.now()
    first, second = world.happen(company, "payment_code:A", "payment_code:A")
    world.pass_time(timedelta(hours=95), timedelta(hours=1))
    tries = [call.at - start for call in world.receivers.calls if call.id == first.id]
    assert len(tries) == MAX_TRIES
    assert timedelta(hours=60) < tries[-1] < timedelta(hours=91)
    by_event = {d["event_id"]: d for d in world.deliveries(company.owner)}
    assert by_event[first.id]["status"] == "failed"
    assert by_event[first.id]["attempts"][0]["answer"] == "kaputt"
    assert by_event[second.id]["attempts"], "the next one follows what was given up"


def test_a_wish_for_patience_is_obeyed(world: WebhookWorld, company: Company) -> None:
    world.endpoint(company.owner)
    busy = Answer(AnswerKind.NOT_TAKEN, "status_refused", 429, retry_after=3 * 3600)
    world.receivers.behaviour = lambda _call: busy
    world.happen(company, "payment_code:A")
    world.work()
    world.pass_time(timedelta(hours=2, minutes=50))
    assert len(world.receivers.calls) == 1
    world.pass_time(timedelta(minutes=20))
    assert len(world.receivers.calls) == 2


def test_gone_switches_the_target_off_until_a_person_switches_it_on(
    world: WebhookWorld, company: Company
) -> None:
    made = world.endpoint(company.owner)
    path = f"/v1/webhook-endpoints/{made['id']}"
    world.receivers.behaviour = lambda _call: GONE
    world.happen(company, "payment_code:A", "payment_code:A")
    world.work()
    world.pass_time(timedelta(hours=12), timedelta(hours=1))
    assert len(world.receivers.calls) == 1
    stored = world.workspace.call("GET", path, company.owner)
    assert (stored.json()["enabled"], stored.json()["disabled_by"]) == (False, "gone")
    world.receivers.behaviour = lambda _call: TAKEN
    answer = world.workspace.call(
        "PATCH",
        path,
        company.owner,
        body={"enabled": True},
        headers={"if-match": stored.headers["etag"]},
    )
    assert answer.status == 200, answer.body
    world.work()
    assert len(world.receivers.taken) == 1, "what waited behind the refused one"


def test_a_new_secret_signs_beside_the_old_one_for_a_while(
    world: WebhookWorld, company: Company
) -> None:
    made = world.endpoint(company.owner)
    path = f"/v1/webhook-endpoints/{made['id']}/rotate-secret"
    answer = world.workspace.call("POST", path, company.owner, body={}, shows="a new secret")
    assert answer.status == 200, answer.body
    SCANNER.secret(answer.json()["secret"])
    again = world.workspace.call("POST", path, company.owner, body={})
    assert again.json()["code"] == "rotation_running"
    world.happen(company, "payment_code:A")
    world.work()
    world.clock.advance(timedelta(hours=25))
    world.happen(company, "payment_code:A")
    world.work()
    assert [call.signatures for call in world.receivers.calls] == [2, 1]


def test_one_event_is_sent_again_to_one_target_or_to_all_that_want_it_now(
    world: WebhookWorld, company: Company
) -> None:
    world.endpoint(company.owner)
    (event,) = world.happen(company, "payment_code:A")
    world.work()
    (delivery,) = world.deliveries(company.owner)
    path = f"/v1/webhook-deliveries/{delivery['id']}/resend"
    key = {"idempotency-key": "again-1"}
    first = world.workspace.call("POST", path, company.owner, headers=key)
    second = world.workspace.call("POST", path, company.owner, headers=key)
    assert (first.status, first.json()) == (202, second.json())
    world.work()
    assert [call.id for call in world.receivers.calls] == [event.id, event.id]
    other = "https://hooks.ornek.example/second"
    world.endpoint(company.owner, other)
    path = f"/v1/events/{event.id}/resend"
    made = world.workspace.call("POST", path, company.owner)
    assert (made.status, made.json()["total"]) == (202, 2)
    world.work()
    assert sorted(call.url for call in world.receivers.calls[2:]) == [URL, other]


def test_recovery_sends_what_the_target_has_not_confirmed(
    world: WebhookWorld, company: Company
) -> None:
    world.happen(company, "payment_code:A")  # before there was a target
    world.clock.advance(timedelta(hours=1))
    since = world.clock.now()
    missed = world.happen(company, "payment_code:A", "payment_code:B")
    made = world.endpoint(company.owner)
    (arrived,) = world.happen(company, "payment_code:A")
    world.work()
    path = f"/v1/webhook-endpoints/{made['id']}/recover"
    body = {"since": since.isoformat().replace("+00:00", "Z")}
    answer = world.workspace.call("POST", path, company.owner, body=body)
    assert (answer.status, answer.location[:9]) == (202, "/v1/jobs/")
    world.work()
    sent = [call.id for call in world.receivers.taken]
    assert sent == [arrived.id, *(event.id for event in missed)]
    job = world.workspace.call("GET", answer.location, company.owner).json()
    assert job["status"] == "succeeded"
    for wrong in ("2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z"):
        refused = world.workspace.call("POST", path, company.owner, body={"since": wrong})
        assert refused.status == 422


def test_a_test_event_goes_to_one_target_only(world: WebhookWorld, company: Company) -> None:
    made = world.endpoint(company.owner)
    world.endpoint(company.owner, "https://hooks.ornek.example/second")
    path = f"/v1/webhook-endpoints/{made['id']}/test"
    assert world.workspace.call("POST", path, company.owner).status == 202
    world.work()
    (call,) = world.receivers.calls
    assert (call.url, call.body["type"]) == (URL, "workspace.WebhookTested.v1")
    schemas = Path(__file__).parents[3] / "events" / "schemas"
    assert (schemas / f"{call.body['type']}.json").exists()


def test_a_removed_target_gets_nothing_more(world: WebhookWorld, company: Company) -> None:
    made = world.endpoint(company.owner)
    world.receivers.behaviour = lambda _call: DOWN
    world.happen(company, "payment_code:A", "payment_code:A")
    world.work()
    path = f"/v1/webhook-endpoints/{made['id']}"
    assert world.workspace.call("DELETE", path, company.owner).status == 204
    world.work()
    world.pass_time(timedelta(hours=2))
    assert len(world.receivers.calls) == 1
    assert {d["code"] for d in world.deliveries(company.owner)} == {"endpoint_removed"}
    assert world.workspace.call("GET", path, company.owner).status == 404


def test_bad_targets_are_refused_with_all_problems(world: WebhookWorld, company: Company) -> None:
    for url in ("http://hooks.ornek.example/", "https://10.0.0.1/", "https://localhost/x"):
        answer = world.workspace.call(
            "POST", "/v1/webhook-endpoints", company.owner, body={"url": url, "events": ["*"]}
        )
        assert (answer.status, answer.json()["errors"][0]["pointer"]) == (422, "/url")
    body = {"url": URL, "events": ["payment_codes.*", "nothing.*", "x"]}
    answer = world.workspace.call("POST", "/v1/webhook-endpoints", company.owner, body=body)
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/events/1", "/events/2"]
    assert [row for row in world.aws.rows("core") if "#WEBHOOK" in row["pk"]] == []


def test_the_example_of_a_work_order_is_understood(world: WebhookWorld) -> None:
    from workspace.handlers import deliver_webhooks

    path = Path(__file__).parents[3] / "events" / "workspace" / "deliver_webhooks.json"
    event = json.loads(path.read_text(encoding="utf-8"))
    assert deliver_webhooks.handler(event, LambdaContext()) == {"batchItemFailures": []}
    short = deliver_webhooks.handler(queue_event({"v": 1, "tenant_id": "x"}), LambdaContext())
    assert short == {"batchItemFailures": []}
