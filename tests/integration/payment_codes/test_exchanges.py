"""What the payment network was sent and answered: kept when it says something, masked, shown in
clear as a logged act, and never in the way of the effect (WSP-02).
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.support.events import http_event, invoke, queue_event
from tests.support.lambda_context import LambdaContext
from tests.support.payment_world import BASE, KEY, OTHER, TENANT, PaymentWorld

REASON = {"reason": "dispute"}
PAYER = "Μαρία Δοκιμαστική"


def _said(world: PaymentWorld, path: str) -> dict[str, Any]:
    return dict(world.call("GET", f"{BASE}/{path}/exchanges").json())


def _heads(shown: dict[str, Any]) -> list[str]:
    return [half["text"].partition("\n")[0] for half in shown["items"]]


def _stored(world: PaymentWorld) -> dict[str, bytes]:
    """The bucket of raw exchanges: names and contents."""
    s3, bucket = world.app.platform.client("s3"), world.app.platform.settings.raw_bucket
    listed = s3.list_objects_v2(Bucket=bucket).get("Contents", ())
    names = [item["Key"] for item in listed]
    return {name: s3.get_object(Bucket=bucket, Key=name)["Body"].read() for name in names}


def _revealed(world: PaymentWorld, code_id: str) -> list[dict[str, Any]]:
    lines = world.app.for_system(TENANT, "test").store.history(f"payment_code:{code_id}")
    return [dict(line.detail) for line in lines if line.action == "exchange.revealed"]


@pytest.fixture
def code(world: PaymentWorld) -> dict[str, Any]:
    """A code the network knows."""
    world.organisation()
    world.renew_secret()
    return world.issue()


def test_orders_are_kept_without_the_key(world: PaymentWorld, code: dict[str, Any]) -> None:
    shown = _said(world, code["id"])
    assert (shown["keeping"], shown["masked"]) == ("kept", True)
    request, answer = shown["items"]
    assert (request["direction"], answer["direction"]) == ("request", "answer")
    assert _heads(shown) == ["POST /v1/requests", "HTTP 201"]
    assert f'"reference": "{code["id"]}"' in request["text"]
    assert '"amount": "1250.00"' in request["text"]
    assert code["code"] in answer["text"]
    (stored,) = _stored(world).values()  # request and answer are one object
    assert KEY.encode() not in stored

    world.call("POST", f"{BASE}/{code['id']}/cancel", {"reason": "wrong"})
    world.work()
    heads = _heads(_said(world, code["id"]))
    assert heads[2:] == [f"POST /v1/requests/{code['code']}/cancel", "HTTP 200"]


def test_a_list_is_kept_when_it_says_something(world: PaymentWorld, code: dict[str, Any]) -> None:
    world.clock.advance(timedelta(seconds=61))
    world.minute()
    assert len(_said(world, code["id"])["items"]) == 2, "an empty list by the clock: no copy"
    world.call("POST", f"{BASE}/{code['id']}/refresh")
    world.work()
    assert len(_said(world, code["id"])["items"]) == 4, "somebody asked: what was answered is kept"
    world.pay(code["code"], "1250.00")
    world.clock.advance(timedelta(seconds=61))
    world.minute()
    found = _said(world, code["id"])
    assert len(found["items"]) == 6, "a payment nobody knew"
    assert '"amount": "1250.00"' in found["items"][-1]["text"]
    world.clock.advance(timedelta(hours=2))
    world.minute()
    assert len(_said(world, code["id"])["items"]) == 6, "the same list again says nothing"


def test_what_was_no_plain_answer_is_kept(world: PaymentWorld, code: dict[str, Any]) -> None:
    world.pay(code["code"], "300.00")
    _pull(world, code["id"])
    for kind, head in (
        ("server_error", "HTTP 503"),
        ("lost_answer", "no answer: http.connection_lost"),
        ("refuse", "HTTP 422"),
    ):
        world.network.queue({"kind": kind, "operation": "payments"})
        answer = _pull(world, code["id"])
        assert not answer["batchItemFailures"]
        kept = _heads(_said(world, code["id"]))
        assert kept[-1] == head, kind
        if kind in ("server_error", "lost_answer"):
            world.network.queue({"kind": kind, "operation": "payments"})
            _pull(world, code["id"])
            assert _heads(_said(world, code["id"])) == kept, "still down says nothing new"
        _pull(world, code["id"])
        assert _heads(_said(world, code["id"])) == kept, "and a list that is known neither"
    before = len(_said(world, code["id"])["items"])
    world.network.queue({"kind": "truncated", "operation": "payments"})
    _pull(world, code["id"])
    assert len(_said(world, code["id"])["items"]) == before + 2, "it says that rows are missing"
    _pull(world, code["id"])
    assert len(_said(world, code["id"])["items"]) == before + 4, "and that they are there again"
    world.network.queue({"kind": "silently_truncated", "operation": "payments"})
    _pull(world, code["id"])
    assert len(_said(world, code["id"])["items"]) == before + 6, "the list lost a payment"


def _pull(world: PaymentWorld, code_id: str) -> Any:
    from payment_codes.handlers import pull_payments

    world.clock.advance(timedelta(seconds=1))
    body = {"v": 1, "tenant_id": TENANT, "code_id": code_id, "hops": 0}
    return pull_payments.handler(queue_event(body), LambdaContext(remaining_ms=60_000))


def test_names_are_masked_until_somebody_says_why(
    world: PaymentWorld, code: dict[str, Any]
) -> None:
    world.pay(code["code"], "1250.00", payer=PAYER)
    _pull(world, code["id"])
    shown = str(_said(world, code["id"])["items"])
    assert PAYER not in shown
    assert "********" in shown
    path = f"{BASE}/{code['id']}/exchanges/reveal"
    assert world.call("POST", path, {"reason": "curious"}).status == 422
    assert _revealed(world, code["id"]) == []
    clear = world.call("POST", path, REASON).json()
    assert clear["masked"] is False
    assert PAYER in str(clear["items"])
    assert _revealed(world, code["id"]) == [REASON]
    chain = [row["action"] for row in world.aws.rows("audit")]
    assert chain.count("exchange.revealed") == 1
    assert world.code(code["id"])["status"] == "paid", "looking changes nothing"


def test_looking_in_clear_needs_the_right_and_a_fresh_proof(
    world: PaymentWorld, code: dict[str, Any]
) -> None:
    from payment_codes.handlers import api
    from payment_codes.handlers.http.app import app

    path = f"{BASE}/{code['id']}/exchanges"
    viewer = world.principal(role="viewer")
    assert world.call("GET", path, principal=viewer).status == 200
    assert world.call("POST", f"{path}/reveal", REASON, principal=viewer).status == 403
    stale = replace(world.principal(kind="session"), proved_at="2020-01-01T00:00:00+00:00")
    token = {"x-csrf-token": app.csrf_token(stale)}
    event = http_event("POST", f"{path}/reveal", principal=stale, body=REASON, headers=token)
    refused = invoke(api.handler, event)
    assert (refused.status, refused.json()["code"]) == (403, "proof_required")
    foreign = world.principal(OTHER)
    for method, where, body in (("GET", path, None), ("POST", f"{path}/reveal", REASON)):
        assert world.call(method, where, body, principal=foreign).status == 404
    assert _revealed(world, code["id"]) == []


def test_a_notification_is_kept_once(world: PaymentWorld, code: dict[str, Any]) -> None:
    assert world.notify(code["code"]).status == 202
    assert world.notify(code["code"]).json()["status"] == "repeated"
    (notice,) = [
        half for half in _said(world, code["id"])["items"] if half["direction"] == "notice"
    ]
    assert code["code"] in notice["text"]
    assert '"type": "payment.received"' in notice["text"]
    forged = world.notify(code["code"], identity="n-2", key=b"0" * 32)
    assert forged.status == 401
    assert len(_said(world, code["id"])["items"]) == 3, "what nobody signed is not kept"


def test_what_no_erasure_could_find_is_hidden_before_it_is_kept(
    world: PaymentWorld, code: dict[str, Any]
) -> None:
    assert _said(world, "organisation")["keeping"] == "ordinary"
    world.network.queue({"kind": "broken_row", "operation": "recent"})
    world.pay(code["code"], "1250.00", payer=PAYER)
    stray = world.pay("RF86912348100000000000001", "18.00", payer=PAYER)
    world.notify(stray["rf"], identity="n-9")
    for _ in range(2):  # the first list is broken, the second names the code that is nobody's
        world.clock.advance(timedelta(seconds=61))
        world.minute()
    found = _said(world, "organisation")
    assert found["keeping"] == "kept"
    text = str(found["items"])
    assert "/v1/organisations/91234/payments" in text
    assert f"/v1/requests/{stray['rf']}/payments" in text
    kept = [
        body
        for name, body in _stored(world).items()
        if f"/code-exchanges/{code['id']}/" not in name
    ]
    assert len(kept) >= 3
    assert [body for body in kept if PAYER.encode() in body or "\\u039c" in body.decode()] == []
    assert world.call("POST", f"{BASE}/organisation/exchanges/reveal", REASON).status in (404, 405)


def test_a_copy_that_cannot_be_kept_changes_nothing(
    world: PaymentWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world.organisation()
    world.renew_secret()
    s3 = world.app.platform.client("s3")

    def refuse(**_: Any) -> None:
        raise ConnectionError("the bucket is gone")

    monkeypatch.setattr(s3, "put_object", refuse)
    code = world.issue()
    assert "not kept: ConnectionError" in caplog.text
    world.pay(code["code"], "1250.00")
    assert world.notify(code["code"]).status == 202
    world.work()
    assert world.code(code["id"])["status"] == "paid"
    assert [each["outcome"] for each in world.payments(code["id"])] == ["exact"]
    assert _said(world, code["id"])["keeping"] == "removed"


def test_a_copy_that_is_gone_is_explained(world: PaymentWorld, code: dict[str, Any]) -> None:
    world.clock.advance(timedelta(days=31))
    shown = world.call("GET", f"{BASE}/{code['id']}/exchanges", headers={"accept-language": "el"})
    assert (shown.json()["keeping"], shown.json()["items"]) == ("expired", [])
    assert "30" in shown.json()["message"]
    refused = world.call("POST", f"{BASE}/{code['id']}/exchanges/reveal", REASON)
    assert (refused.status, refused.json()["code"]) == (409, "exchange_not_kept")
    assert _revealed(world, code["id"]) == []


def test_codes_issued_offline_were_told_to_nobody(world: PaymentWorld) -> None:
    world.organisation(provider="offline")
    code = world.issue()
    assert _said(world, code["id"])["keeping"] == "not_called"
    assert _said(world, "organisation")["keeping"] == "not_called"
