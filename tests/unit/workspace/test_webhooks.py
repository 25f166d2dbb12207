"""What a notification looks like, when it is tried again, and what answers mean."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.clock import FixedClock
from kernel.errors import ConflictError, ValidationError
from kernel.events import Event
from kernel.sensitive import Secret
from tests.infra import stack
from toolkit.http.client import HttpClient
from toolkit.http.webhook_signature import headers, key_of, verify
from toolkit.settings import Environment, SettingsError
from toolkit.tokens import webhook_secret
from workspace.adapters.http_webhooks import HttpWebhookSender
from workspace.domain.catalogue import CONTEXTS, EVENT_TYPES, WEBHOOK_TESTED
from workspace.domain.delivery import (
    MAX_BODY,
    MAX_TRIES,
    WAITS,
    Answer,
    AnswerKind,
    Attempt,
    Cause,
    Delivery,
    DeliveryState,
    Lane,
    answered,
    body_of,
    claimed,
    claimed_lane,
    joined,
    released_lane,
    wait_after,
)
from workspace.domain.webhook import Endpoint, check_filters, check_url, rotated
from workspace.settings import WorkspaceSettings

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
DOWN = Answer(AnswerKind.NOT_TAKEN, "http_unreachable")
DELIVERY = Delivery("D1", "E1", "V1", "payment_codes.CodeIssued.v1", "payment_code:A")
SECRET = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


def test_the_vector_of_standard_webhooks_holds() -> None:
    """Source: github.com/standard-webhooks/standard-webhooks, libraries/python/tests."""
    body = b'{"test": 2432232314}'
    signed = headers(key_of(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body)
    assert signed == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


# ---------------------------------------------------------------------------- tries


def test_ten_tries_take_about_seventy_five_hours() -> None:
    assert len(WAITS) == MAX_TRIES - 1
    assert timedelta(hours=74) < sum(WAITS, timedelta()) < timedelta(hours=77)


@given(st.integers(1, MAX_TRIES - 1), st.text(max_size=30))
def test_waits_are_spread_by_a_fifth_and_the_same_again(tries: int, identity: str) -> None:
    wait = wait_after(tries, identity)
    assert WAITS[tries - 1] * 0.8 <= wait <= WAITS[tries - 1] * 1.2
    assert wait == wait_after(tries, identity)


def test_a_longer_wish_is_obeyed_up_to_a_day_and_a_shorter_one_is_not() -> None:
    assert wait_after(1, "x", 3_600) == timedelta(hours=1)
    assert wait_after(5, "x", 1) == wait_after(5, "x")
    assert wait_after(1, "x", 10**9) < timedelta(hours=29)


def test_a_delivery_ends_after_its_last_try() -> None:
    delivery = DELIVERY
    for number in range(1, MAX_TRIES + 1):
        delivery = answered(claimed(delivery, NOW), DOWN, NOW)
        assert (delivery.tries, len(delivery.attempts)) == (number, number)
        assert (delivery.state is DeliveryState.FAILED) is (number == MAX_TRIES)
    assert delivery.next_at is None


def test_a_try_whose_sender_died_is_in_the_log() -> None:
    again = claimed(claimed(DELIVERY, NOW), NOW + timedelta(minutes=2))
    assert again.tries == 2
    assert again.attempts == (Attempt("2026-06-01T09:02:00Z", "attempt_lost"),)


# ---------------------------------------------------------------------------- lanes


@given(st.permutations(["V1", "V2", "V3", "V4"]))
def test_a_lane_is_in_the_order_of_publication(arrival: list[str]) -> None:
    lane = Lane("L", "E1", "payment_code:A")
    for number, event in enumerate(arrival):
        lane = joined(lane, Delivery(f"D{number}", "E1", event, "t", "s"), NOW)
    assert [event for event, _ in lane.waiting] == sorted(arrival)
    assert lane.next_at == NOW


def test_who_comes_to_the_front_need_not_wait_for_the_other_ones_time() -> None:
    late = Delivery("D2", "E1", "V2", "t", "s")
    lane = claimed_lane(joined(Lane("L", "E1", "s"), late, NOW), "A1", NOW)
    lane = joined(lane, DELIVERY, NOW)
    failed = answered(claimed(late, NOW), DOWN, NOW)
    released = released_lane(lane, failed, NOW)
    assert released.waiting[0] == ("V1", "D1")
    assert (released.next_at, released.attempt_id) == (NOW, "")
    alone = released_lane(
        claimed_lane(joined(Lane("L", "E1", "s"), late, NOW), "A", NOW), failed, NOW
    )
    assert alone.next_at == failed.next_at


# ---------------------------------------------------------------------------- content


def _event(**data: object) -> Event:
    return Event(
        "01JXQ60A1B2C3D4E5F6G7H8J9R",
        "workspace.IncidentResolved.v1",
        "kopru.workspace",
        NOW,
        "01JXQ5Z3K4M6N8P0R2S4T6V8WY",
        "incident:1",
        data,
    )


def test_free_text_of_people_does_not_leave() -> None:
    body = body_of(_event(code="x", note="Ayşe Hanım aradı", reason="Ali Bey istemedi"))
    assert body == (
        b'{"type":"workspace.IncidentResolved.v1","timestamp":"2026-06-01T09:00:00Z",'
        b'"data":{"subject":"incident:1","code":"x"}}'
    )


def test_what_is_too_large_is_left_out_as_a_whole() -> None:
    assert len(body_of(_event(code="ü" * 9_000))) <= MAX_BODY
    body = body_of(_event(code="ü" * 20_000))
    assert len(body) <= MAX_BODY
    assert b'"truncated":true' in body


def test_the_catalogue_is_the_list_of_schemas() -> None:
    """A new event gets its schema in ``events/schemas`` and its line in the catalogue."""
    schemas = {path.stem for path in (stack.ROOT / "events" / "schemas").glob("*.json")}
    assert set(EVENT_TYPES) == schemas
    assert len(EVENT_TYPES) == len(set(EVENT_TYPES))
    assert {name.partition(".")[0] for name in EVENT_TYPES} <= set(CONTEXTS)


# ---------------------------------------------------------------------------- targets


def test_filters_are_types_contexts_or_everything() -> None:
    filters = check_filters(["pensions.*", "workflow.RulePublished.v1", "pensions.*"])
    endpoint = Endpoint("E1", "https://x.example/", filters)
    assert filters == ("pensions.*", "workflow.RulePublished.v1")
    assert endpoint.wants("pensions.SubmissionFinished.v1")
    assert endpoint.wants("workflow.RulePublished.v1")
    assert not endpoint.wants("workflow.RuleRetired.v1")
    assert Endpoint("E1", "https://x.example/", ("*",)).wants("workflow.RuleRetired.v1")
    assert not Endpoint("E1", "https://x.example/", ("*",)).wants(WEBHOOK_TESTED)
    with pytest.raises(ValidationError):
        check_filters([])


def test_this_machine_is_a_target_in_a_local_stack_only() -> None:
    assert check_url("http://localhost:9000/x", allow_local=True) == "http://localhost:9000/x"
    for url in ("http://localhost:9000/x", "http://127.0.0.1/"):
        with pytest.raises(ValidationError):
            check_url(url, allow_local=False)
    for url in (
        "http://10.0.0.1/",
        "http://localhost.evil.example/",
        "http://localhost@x.example/",
    ):
        with pytest.raises(ValidationError):
            check_url(url, allow_local=True)


def test_two_secrets_sign_until_the_change_is_over() -> None:
    endpoint = rotated(Endpoint("E1", "https://x.example/", ("*",)), NOW, timedelta(hours=24))
    assert endpoint.signing_versions(NOW + timedelta(hours=23, minutes=59)) == (2, 1)
    assert endpoint.signing_versions(NOW + timedelta(hours=24)) == (2,)
    with pytest.raises(ConflictError):
        rotated(endpoint, NOW + timedelta(hours=1), timedelta(hours=24))
    at_once = rotated(endpoint, NOW + timedelta(hours=25), timedelta(0))
    assert at_once.signing_versions(NOW + timedelta(hours=25)) == (3,)


def test_the_switch_for_this_machine_is_refused_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tests.support import aws

    environment = aws._environment("key", "secret")
    environment["KOPRU_WEBHOOKS_TO_LOCALHOST"] = "yes"
    assert WorkspaceSettings.from_environment(Environment(environment)).local_targets
    environment["KOPRU_STAGE"] = "dev"
    with pytest.raises(SettingsError):
        WorkspaceSettings.from_environment(Environment(environment))


# ---------------------------------------------------------------------------- the call


def _sent(
    answer: httpx.Response | Exception, secrets: tuple[Secret, ...] = (SECRET,)
) -> tuple[Answer, list[httpx.Request]]:
    seen: list[httpx.Request] = []

    def receive(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    client = HttpClient(
        transport=httpx.MockTransport(receive), max_answer_bytes=4_096, cut_answers=True
    )
    sender = HttpWebhookSender(client, FixedClock(NOW))
    result = sender.send(
        "https://x.example/hook",
        identity="01JXQ60A1B2C3D4E5F6G7H8J9R",
        at=NOW,
        body=b"{}",
        secrets=secrets,
        deadline_seconds=5,
    )
    return result, seen


def test_a_call_carries_one_signature_for_each_secret() -> None:
    other = webhook_secret()
    result, (request,) = _sent(httpx.Response(204), (other, SECRET))
    assert result == Answer(AnswerKind.TAKEN, "taken", 204)
    sent = {name.lower(): value for name, value in request.headers.items()}
    for secret in (SECRET, other):
        verify(sent, request.content, [key_of(secret)], now_seconds=int(NOW.timestamp()))
    assert len(sent["webhook-signature"].split(" ")) == 2
    assert sent["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (httpx.Response(200), AnswerKind.TAKEN, "taken"),
        (httpx.Response(301, headers={"location": "http://10.0.0.1/"}), None, "redirect_refused"),
        (httpx.Response(400), None, "status_refused"),
        (httpx.Response(410), AnswerKind.GONE, "gone"),
        (httpx.Response(500), None, "status_refused"),
        (httpx.ConnectError("x"), None, "http_unreachable"),
        (httpx.ReadTimeout("x"), None, "http_timeout"),
        (httpx.RemoteProtocolError("x"), None, "http_connection_lost"),
    ],
)
def test_what_answers_mean(
    answer: httpx.Response | Exception, kind: AnswerKind | None, code: str
) -> None:
    result, seen = _sent(answer)
    assert (result.kind, result.code) == (kind or AnswerKind.NOT_TAKEN, code)
    assert len(seen) == 1, "no redirect is followed and nothing is repeated"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        ("Mon, 01 Jun 2026 10:00:00 GMT", 3_600),
        ("Mon, 01 Jun 2020 10:00:00 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_wishes_for_patience_are_read(text: str, seconds: int | None) -> None:
    result, _ = _sent(httpx.Response(503, headers={"retry-after": text}))
    assert result.retry_after == seconds


def test_of_a_long_answer_the_beginning_is_kept_and_numbers_of_people_are_masked() -> None:
    result, _ = _sent(httpx.Response(200, text="no 10000000146\r\n\x00 " + "x" * 1_000_000))
    assert result.kind is AnswerKind.TAKEN
    assert result.excerpt.startswith("no 100******46    xxx")
    assert len(result.excerpt) <= 1_024


def test_causes_have_words_of_their_own() -> None:
    assert {cause.value for cause in Cause} == {"event", "resend", "recovery", "test"}
