"""Payments: from the pull only, every outcome, nothing dropped, known in time (PAY-03, PAY-04)."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from kernel.sensitive import Secret
from payment_codes.application import sweep
from payment_codes.domain.organisation import ProviderKind
from payment_codes.domain.pull_budget import PullRate
from payment_codes.handlers import pull_payments, refresh_payments
from tests.support.events import queue_event
from tests.support.lambda_context import LambdaContext
from tests.support.payment_world import BASE, TENANT, PaymentWorld
from toolkit.http.webhook_signature import key_of


def _balance(world: PaymentWorld, account: str) -> dict[str, int]:
    """Balance of an account; also checks that debits and credits of its entries are equal."""
    rows = [row for row in world.aws.rows("ledger") if row["pk"].endswith(f"#ACC#{account}")]
    sides: Counter[str] = Counter()
    names: Counter[str] = Counter()
    for row in rows:
        if row["sk"] != "BAL":
            sides[row["leg"]] += row["amount"]
            names[row["name"]] += row["amount"] if row["leg"] == "C" else -row["amount"]
    assert sides["D"] == sides["C"]
    return {name: amount for name, amount in names.items() if amount}


def test_a_notification_leads_to_the_payment_within_one_pull(world: PaymentWorld) -> None:
    world.organisation()
    world.renew_secret()
    code = world.issue()
    payment = world.pay(code["code"], "1250.00", bank="PIRBGRAA")
    assert world.notify(code["code"]).status == 202
    assert world.payments(code["id"]) == []  # the notification itself books nothing
    world.work()
    found = world.code(code["id"])
    assert (found["status"], found["remaining"]["amount"]) == ("paid", "0.00")
    (booked,) = world.payments(code["id"])
    assert booked["outcome"] == "exact"
    assert booked["bank"] == {"code": "PIRBGRAA", "name": "Τράπεζα Πειραιώς"}
    assert booked["provider_payment_id"] == payment["id"]
    assert booked["date"] == "2026-06-01"
    assert _balance(world, f"code:{code['id']}") == {"bank": -125000, "receivable": 125000}


def test_the_scheduled_pull_finds_what_no_notification_told(world: PaymentWorld) -> None:
    world.organisation()
    code = world.issue()
    world.minute()
    world.pay(code["code"], "1250.00")
    world.clock.advance(timedelta(seconds=60))
    world.minute()
    assert world.code(code["id"])["status"] == "paid"
    assert world.code(code["id"])["news_age_seconds"] == 0


def test_repeated_lists_post_nothing(world: PaymentWorld) -> None:
    world.organisation()
    code = world.issue()
    world.pay(code["code"], "300.00", with_id=False)
    world.pay(code["code"], "300.00", with_id=False)
    for _ in range(3):
        world.call("POST", f"{BASE}/{code['id']}/refresh")
        world.network.queue({"kind": "other_order"})
        world.work()
    assert [p["outcome"] for p in world.payments(code["id"])] == ["under", "under"]
    assert world.code(code["id"])["paid_total"]["amount"] == "600.00"


def test_partial_over_and_reversal(world: PaymentWorld) -> None:
    world.organisation()
    code = world.issue()

    def pull() -> dict[str, Any]:
        world.call("POST", f"{BASE}/{code['id']}/refresh")
        world.work()
        return world.code(code["id"])

    world.pay(code["code"], "500.00")
    assert pull()["status"] == "partially_paid"
    second = world.pay(code["code"], "750.00")
    assert pull()["status"] == "paid"
    world.pay(code["code"], "10.00")
    over = pull()
    assert (over["status"], over["surplus"]["amount"]) == ("overpaid", "10.00")
    account = f"code:{code['id']}"
    assert _balance(world, account) == {"bank": -126000, "receivable": 125000, "surplus": 1000}
    world.network.reverse({"payment_id": second["id"]})
    after = pull()
    assert (after["status"], after["remaining"]["amount"]) == ("partially_paid", "740.00")
    outcomes = [payment["outcome"] for payment in world.payments(code["id"])]
    assert outcomes == ["under", "exact", "over", "reversal"]
    assert _balance(world, account) == {"bank": -51000, "receivable": 51000}


def test_a_reversal_listed_without_its_payment_is_booked_when_the_list_is_whole(
    world: PaymentWorld,
) -> None:
    world.organisation()
    code = world.issue()
    payment = world.pay(code["code"], "1250.00")
    world.network.reverse({"payment_id": payment["id"]})
    world.network.queue({"kind": "truncated", "operation": "payments", "end": "first"})
    world.call("POST", f"{BASE}/{code['id']}/refresh")
    world.work()
    assert [each["reason"] for each in world.unmatched()] == ["reversal_of_unknown"]
    assert world.code(code["id"])["paid_total"]["amount"] == "0.00"
    for _ in range(3):
        world.call("POST", f"{BASE}/{code['id']}/refresh")
        world.work()
    assert world.unmatched() == []
    assert {p["outcome"] for p in world.payments(code["id"])} == {"exact", "reversal"}
    found = world.code(code["id"])
    assert (found["status"], found["paid_total"]["amount"]) == ("issued", "0.00")
    assert _balance(world, f"code:{code['id']}") == {"bank": -125000, "assigned": 125000}
    assert _balance(world, "unmatched") == {"bank": 125000, "assigned": -125000}


def test_the_reversal_of_a_payment_that_a_person_gave_to_a_code(world: PaymentWorld) -> None:
    world.organisation()
    code = world.issue()
    payment = world.pay("RF86912348100000000000001", "1250.00")
    world.clock.advance(timedelta(seconds=60))
    world.minute()
    (waiting,) = world.unmatched()
    path = f"{BASE}/unmatched/{waiting['id']}/assign"
    assert world.call("POST", path, {"code_id": code["id"]}).json()["code"]["status"] == "paid"
    world.network.reverse({"payment_id": payment["id"], "amount": "250.00"})
    for _ in range(2):
        world.clock.advance(timedelta(seconds=60))
        world.minute()
    found = world.code(code["id"])
    assert (found["status"], found["remaining"]["amount"]) == ("partially_paid", "250.00")
    assert found["missing_payments"] == 0
    assert [p["outcome"] for p in world.payments(code["id"])] == ["exact", "reversal"]
    assert world.unmatched() == []


def test_the_amount_digit_is_no_proof(world: PaymentWorld) -> None:
    world.organisation()
    code = world.issue(amount={"amount": "10.00", "currency": "EUR"})
    world.pay(code["code"], "18.00")  # the same digit
    world.clock.advance(timedelta(seconds=60))
    world.minute()
    assert [p["outcome"] for p in world.payments(code["id"])] == ["over"]


def test_open_amounts_add_up_and_are_never_paid_by_themselves(world: PaymentWorld) -> None:
    world.organisation()
    code = world.issue(source={"kind": "vehicle_order", "id": "V-9"}, amount=None)
    for amount in ("300.00", "450.00", "500.00"):
        world.pay(code["code"], amount)
    world.clock.advance(timedelta(seconds=60))
    world.minute()
    found = world.code(code["id"])
    assert (found["status"], found["paid_total"]["amount"]) == ("partially_paid", "1250.00")
    assert {p["outcome"] for p in world.payments(code["id"])} == {"exact"}


def test_the_same_payment_twice_in_a_list_is_one(world: PaymentWorld) -> None:
    world.organisation()
    code = world.issue()
    payment = world.pay(code["code"], "1250.00")
    world.network.set_times(payment["key"], 2)
    world.clock.advance(timedelta(seconds=60))
    world.minute()
    assert [p["outcome"] for p in world.payments(code["id"])] == ["exact", "duplicate"]
    assert world.code(code["id"])["paid_total"]["amount"] == "1250.00"


def test_late_money_is_booked_and_flagged(world: PaymentWorld) -> None:
    world.organisation()
    code = world.issue(valid_until="2026-06-02")
    world.clock.advance(timedelta(days=2))
    world.minute()
    assert world.code(code["id"])["status"] == "expired"
    world.pay(code["code"], "1250.00")
    world.clock.advance(timedelta(seconds=60))
    world.minute()
    found = world.code(code["id"])
    assert (found["status"], found["late_total"]["amount"]) == ("expired", "1250.00")
    (payment,) = world.payments(code["id"])
    assert (payment["outcome"], payment["against"]) == ("late", "exact")
    assert payment["why"] == [
        "1,250.00\xa0€ was still due and 1,250.00\xa0€ was paid.",
        "It was paid on 3 Jun 2026, after the last day of the code, 2 Jun 2026.",
    ]
    alone = world.call("GET", f"{BASE}/payments/{payment['id']}")
    assert alone.json() == payment, "its timeline leads here"
    assert _balance(world, f"code:{code['id']}") == {"bank": -125000, "suspense": 125000}


def test_money_paid_in_time_counts_although_its_news_came_late(world: PaymentWorld) -> None:
    world.organisation()
    code = world.issue(valid_until="2026-06-02")
    world.pay(code["code"], "1250.00", visible_after_seconds=3 * 86_400)
    world.clock.advance(timedelta(days=2))
    world.minute()
    assert world.code(code["id"])["status"] == "expired"
    world.clock.advance(timedelta(days=2))
    world.minute()
    assert world.code(code["id"])["status"] == "paid"


def test_a_cancelled_code_keeps_its_state_and_its_money(world: PaymentWorld) -> None:
    world.organisation()
    code = world.issue()
    world.call("POST", f"{BASE}/{code['id']}/cancel")
    world.work()
    world.pay(code["code"], "1250.00")
    world.clock.advance(timedelta(seconds=60))
    world.minute()
    assert world.code(code["id"])["status"] == "cancelled"
    assert [p["outcome"] for p in world.payments(code["id"])] == ["late"]


# ---------------------------------------------------------------------------- unmatched


def test_unknown_codes_wait_on_the_bench_and_can_be_assigned(world: PaymentWorld) -> None:
    world.organisation()
    code = world.issue()
    world.pay("RF86912348100000000000001", "1250.00")
    world.clock.advance(timedelta(seconds=60))
    world.minute()
    (waiting,) = world.unmatched()
    assert (waiting["outcome"], waiting["reason"]) == ("unmatched", "unknown_code")
    assert _balance(world, "unmatched") == {"bank": -125000, "suspense": 125000}
    path = f"{BASE}/unmatched/{waiting['id']}"
    done = world.call("POST", f"{path}/assign", {"code_id": code["id"], "note": "typed wrong"})
    assert (done.status, done.json()["code"]["status"]) == (200, "paid")
    assert world.unmatched() == []
    assert [p["state"] for p in world.payments(code["id"])] == ["assigned"]
    assert _balance(world, "unmatched") == {"bank": -125000, "assigned": 125000}
    assert _balance(world, f"code:{code['id']}") == {"assigned": -125000, "receivable": 125000}
    assert world.call("POST", f"{path}/return", {"note": "again"}).status == 409
    world.clock.advance(timedelta(seconds=60))
    world.minute()
    assert world.code(code["id"])["paid_total"]["amount"] == "1250.00"


@pytest.mark.parametrize(
    ("payment", "reason"),
    [
        ({"amount": "0.00"}, "not_positive"),
        ({"amount": "-5.00"}, "not_positive"),
        ({"amount": "1250.00", "currency": "USD"}, "foreign_currency"),
        ({"amount": "99999999999.00"}, "absurd_amount"),
        ({"amount": "5.00", "reversal_of": "DP9999999999"}, "reversal_of_unknown"),
    ],
)
def test_what_makes_no_sense_is_kept_and_not_booked(
    world: PaymentWorld, payment: dict[str, Any], reason: str
) -> None:
    world.organisation()
    code = world.issue()
    world.network.pay({"rf": code["code"], **payment})
    world.clock.advance(timedelta(seconds=60))
    world.minute()
    (waiting,) = world.unmatched()
    assert waiting["reason"] == reason
    assert world.code(code["id"])["paid_total"]["amount"] == "0.00"
    path = f"{BASE}/unmatched/{waiting['id']}"
    assert world.call("POST", f"{path}/assign", {"code_id": code["id"]}).status == 422
    assert world.call("POST", f"{path}/return", {"note": "asked the bank"}).status == 200


# ---------------------------------------------------------------------------- the list


def test_a_list_with_a_gap_is_no_news(world: PaymentWorld) -> None:
    world.organisation()
    code = world.issue()
    world.pay(code["code"], "1250.00")
    world.clock.advance(timedelta(seconds=90))
    for operation in ("recent", "payments"):
        world.network.queue({"kind": "truncated", "operation": operation, "times": 9})
    world.minute()
    assert world.code(code["id"])["status"] == "issued"
    assert world.code(code["id"])["news_age_seconds"] == 90
    world.network.queued.clear()
    world.clock.advance(timedelta(seconds=60))
    world.minute()
    assert world.code(code["id"])["status"] == "paid"
    assert world.code(code["id"])["news_age_seconds"] == 0


def test_what_was_booked_never_shrinks(world: PaymentWorld) -> None:
    world.organisation()
    code = world.issue()
    payment = world.pay(code["code"], "1250.00")
    world.clock.advance(timedelta(seconds=60))
    world.minute()
    world.network.set_times(payment["key"], 0)
    world.call("POST", f"{BASE}/{code['id']}/refresh")
    world.work()
    found = world.code(code["id"])
    assert (found["status"], found["missing_payments"]) == ("paid", 1)
    incidents = world.aws.published("payment_codes.IncidentOpened.v1")
    assert [incident["data"]["code"] for incident in incidents] == ["payments_missing"]
    world.call("POST", f"{BASE}/{code['id']}/refresh")
    world.work()
    assert world.aws.published("payment_codes.IncidentOpened.v1") == []
    world.network.set_times(payment["key"], 1)
    world.call("POST", f"{BASE}/{code['id']}/refresh")
    world.work()
    assert world.code(code["id"])["missing_payments"] == 0


@pytest.mark.parametrize("kind", ["lost_answer", "garbage", "server_error", "broken_row"])
def test_an_answer_nobody_understands_books_nothing_and_is_asked_again(
    world: PaymentWorld, kind: str
) -> None:
    world.organisation()
    code = world.issue()
    world.pay(code["code"], "1250.00")
    world.network.queue({"kind": kind, "operation": "payments"})
    world.call("POST", f"{BASE}/{code['id']}/refresh")
    assert world.work() == []
    assert world.payments(code["id"]) == []
    world.clock.advance(timedelta(seconds=60))
    world.minute()
    assert world.code(code["id"])["status"] == "paid"


def test_an_outage_of_hours_costs_no_receives_and_loses_nothing(world: PaymentWorld) -> None:
    world.organisation()
    code = world.issue()
    world.minute()
    until = world.clock.now() + timedelta(hours=3)
    world.network.state["down_until"] = until.isoformat()
    world.pay(code["code"], "1250.00")
    for _ in range(3):
        world.clock.advance(timedelta(minutes=50))
        world.minute()
    assert world.code(code["id"])["news_age_seconds"] == 3 * 50 * 60
    assert world.call("GET", f"{BASE}/organisation").json()["connection"] == "down"
    world.clock.advance(timedelta(minutes=50))
    world.minute()
    assert world.code(code["id"])["status"] == "paid"
    keys = [e["data"]["key"] for e in world.aws.published("payment_codes.AttentionRaised.v1")]
    assert keys == ["connection:dias"]


# ---------------------------------------------------------------------------- notifications


def test_forged_replayed_and_old_notifications_change_nothing(
    world: PaymentWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    world.organisation()
    world.renew_secret()
    code = world.issue()
    assert world.notify(code["code"], key=b"forged").status == 401
    old = int(world.clock.now().timestamp()) - 301
    assert world.notify(code["code"], stamp=old).status == 401
    assert world.notify("RF91912346100000000000001"[:-1] + "2").status == 401
    assert world.notify(code["code"], provider="offline").status == 401
    assert world.aws.messages("payment-codes-pull") == []
    assert world.notify(code["code"]).json() == {"status": "taken"}
    assert world.notify(code["code"]).json() == {"status": "repeated"}
    assert len(world.aws.messages("payment-codes-pull")) == 1
    printed = capsys.readouterr().out
    assert printed.count("NotificationsForged") >= 4
    assert "NotificationsRepeated" in printed


def test_a_renewed_secret_leaves_the_old_one_a_day(world: PaymentWorld) -> None:
    world.organisation()
    code = world.issue()
    assert world.notify(code["code"], key=b"none yet").status == 401
    first = key_of(Secret(world.renew_secret()))
    world.renew_secret()
    assert world.notify(code["code"], key=first, identity="a").status == 202
    world.clock.advance(timedelta(days=1, seconds=1))
    assert world.notify(code["code"], key=first, identity="b").status == 401
    assert world.notify(code["code"], identity="c").status == 202


def test_a_notification_before_the_code_is_ours_is_looked_at_later(world: PaymentWorld) -> None:
    world.organisation()
    world.renew_secret()
    world.pay("RF86912348100000000000001", "20.00")
    assert world.notify("RF86912348100000000000001").status == 202
    url = world.aws.queue_url("payment-codes-pull")
    name = "ApproximateNumberOfMessagesDelayed"
    answer = world.aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[name])
    assert answer["Attributes"][name] == "1"
    message = {"v": 1, "tenant_id": TENANT, "rf": "RF86912348100000000000001", "hops": 0}
    handled = pull_payments.handler(queue_event(message), LambdaContext(remaining_ms=60_000))
    assert handled == {"batchItemFailures": []}
    assert [p["reason"] for p in world.unmatched()] == ["unknown_code"]


def test_polls_are_counted_and_budgeted(world: PaymentWorld) -> None:
    world.organisation()
    for _ in range(3):
        world.issue()
    world.clock.advance(timedelta(seconds=61))
    assert refresh_payments.handler({}, LambdaContext()) == {
        "OrganisationsAsked": 1,
        "CodesAsked": 3,
        "OldestNewsSeconds": 61,
    }
    assert refresh_payments.handler({}, LambdaContext()) == {
        "OrganisationsAsked": 0,
        "CodesAsked": 0,
        "OldestNewsSeconds": 0,
    }
    world.work()
    world.clock.advance(timedelta(hours=2))
    world.minute()
    world.clock.advance(timedelta(seconds=61))
    asked = refresh_payments.handler({}, LambdaContext())
    assert asked["CodesAsked"] == 0  # nothing goes on there any more: once an hour is enough


def test_a_provider_is_not_asked_more_often_than_agreed(
    world: PaymentWorld, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What finds no token comes first in the next run; what somebody asked for never waits."""
    monkeypatch.setattr(sweep, "RATES", {ProviderKind.DIAS: PullRate(per_minute=4, burst=4)})
    world.organisation()
    world.renew_secret()
    codes = [world.issue() for _ in range(6)]
    world.network.calls.clear()
    world.clock.advance(timedelta(seconds=61))
    capsys.readouterr()
    asked = refresh_payments.handler({}, LambdaContext())
    assert (asked["OrganisationsAsked"], asked["CodesAsked"]) == (1, 3)
    printed = capsys.readouterr().out
    assert '"PullsAsked":[4.0],"PullTokensLeft":[0.0]' in printed
    world.work()
    assert capsys.readouterr().out.count('"ProviderCalls":[1.0]') == 4
    assert world.network.calls == {"recent": 1, "payments": 3}
    world.clock.advance(timedelta(seconds=14))
    assert refresh_payments.handler({}, LambdaContext())["CodesAsked"] == 0
    assert world.notify(codes[0]["code"]).status == 202
    world.call("POST", f"{BASE}/{codes[1]['id']}/refresh")
    world.work()
    assert world.network.calls == {"recent": 1, "payments": 5}
    world.clock.advance(timedelta(seconds=46))
    asked = refresh_payments.handler({}, LambdaContext())
    assert (asked["OrganisationsAsked"], asked["CodesAsked"]) == (1, 3)
    world.work()
    assert all(world.code(code["id"])["news_age_seconds"] == 0 for code in codes)


def test_two_runs_at_once_share_one_bucket(world: PaymentWorld) -> None:
    world.organisation()
    work, now = world.app.ask_for_news()._due_work, world.clock.now()
    rate = PullRate(per_minute=4, burst=4)
    first = work.bucket(ProviderKind.DIAS, rate, now)
    assert work.replace_bucket(first, first.taken(4, now))
    assert not work.replace_bucket(first, first.taken(4, now))
    assert work.bucket(ProviderKind.DIAS, rate, now).left(now) == 0


def test_news_that_nobody_gets_is_measured(world: PaymentWorld) -> None:
    """The metric behind the alarm: how old the oldest news of a company is (PAY-04)."""
    world.organisation()
    world.minute()
    world.network.state["down_until"] = (world.clock.now() + timedelta(hours=1)).isoformat()
    ages = []
    for _ in range(3):
        world.clock.advance(timedelta(seconds=60))
        ages.append(refresh_payments.handler({}, LambdaContext())["OldestNewsSeconds"])
        world.work()
    assert ages == [60, 120, 180]
    world.network.state["down_until"] = None
    world.clock.advance(timedelta(seconds=60))
    world.minute()
    world.clock.advance(timedelta(seconds=60))
    assert refresh_payments.handler({}, LambdaContext())["OldestNewsSeconds"] == 60


def test_a_refused_key_is_its_companys_matter_and_no_alarm(world: PaymentWorld) -> None:
    world.organisation()
    world.network.queue({"kind": "wrong_key", "operation": "recent"})
    world.minute()
    world.clock.advance(timedelta(hours=1))
    asked = refresh_payments.handler({}, LambdaContext())
    assert (asked["OrganisationsAsked"], asked["OldestNewsSeconds"]) == (1, 0)
    assert world.call("GET", f"{BASE}/organisation").json()["connection"] == "refused"
