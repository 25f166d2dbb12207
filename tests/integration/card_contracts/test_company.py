"""What a company decides for itself: tolerances, legal figures, lines that are set aside."""

from typing import Any

import pytest

from tests.support.card_contracts_builders import api_contract
from tests.support.cards_world import BASE, OTHER, TENANT, CardsWorld

SETTINGS = f"{BASE}/settings"
ACCOUNT = "102.01.001"
HEADER = "Tarih;Valör;Tutar;Açıklama"


def _wished(world: CardsWorld) -> tuple[dict[str, Any], str]:
    answer = world.call("GET", SETTINGS)
    names = ("matching", "drift", "legal_limits")
    return {name: answer.json()[name] for name in names}, answer.headers["etag"]


def _put(world: CardsWorld, wished: dict[str, Any], etag: str) -> Any:
    return world.call("PUT", SETTINGS, wished, headers={"if-match": etag})


def _import(world: CardsWorld, *rows: str) -> dict[str, Any]:
    text = "\r\n".join((HEADER, *rows)).encode()
    answer = world.call(
        "POST",
        f"{BASE}/statements/imports",
        text,
        headers={"content-type": "text/csv"},
        query=f"profile=turkish&bank_account_code={ACCOUNT}",
    )
    assert answer.status == 202, answer.body
    world.work()
    return dict(world.job(answer.json()["id"])["result"]["counts"])


def _lines(world: CardsWorld, status: str = "unmatched") -> list[dict[str, Any]]:
    return list(world.call("GET", f"{BASE}/matches", query=f"status={status}").json()["items"])


@pytest.fixture
def account(world: CardsWorld) -> None:
    """A contract, a sale of 1,000.00 in one payment (976.00 net on 28.05.2026), and its account."""
    world.contract()
    body = {"code": ACCOUNT, "name": "Kart", "kind": "deposit"}
    assert world.call("POST", f"{BASE}/bank-accounts", body).status == 201


def test_tolerances_of_the_company_decide_what_is_suggested(
    world: CardsWorld, account: None
) -> None:
    """A payment 20.00 short of 976.00: beyond 1 percent of the gross, within 2.5 percent."""
    world.sale(instalments=1)
    (owed,) = {(row["date"]) for row in world.receivables()}
    day = ".".join(reversed(owed.split("-")))
    assert _import(world, f"{day};{day};956,00;POS") == {"new": 1}
    wished, etag = _wished(world)
    wished["matching"]["tolerance"] = "2.50"
    assert _put(world, wished, etag).status == 200
    assert _put(world, wished, etag).status == 412
    assert _import(world, f"{day};{day};956,00;POS") == {"known": 1}  # the same file: nothing
    body = {"bank_account_code": ACCOUNT}
    answer = world.call("POST", f"{BASE}/bank-lines/look-again", body, key="again")
    repeated = world.call("POST", f"{BASE}/bank-lines/look-again", body, key="again")
    assert answer.json()["id"] == repeated.json()["id"]
    world.work()
    assert world.job(answer.json()["id"])["result"]["counts"] == {"suggested": 1}
    assert [one["difference"]["amount"] for one in _lines(world, "suggested")] == ["-20.00"]


def test_drift_is_what_the_company_says(world: CardsWorld, account: None) -> None:
    world.sale(instalments=1)
    (owed,) = {(row["date"]) for row in world.receivables()}
    day = ".".join(reversed(owed.split("-")))
    _import(world, f"{day};{day};974,00;POS")
    (match,) = _lines(world, "suggested")
    assert world.call("POST", f"{BASE}/matches/{match['id']}/confirm").status == 200
    world.work()

    def beyond() -> bool:
        (row,) = world.call("GET", f"{BASE}/drift").json()["items"]
        return bool(row["beyond_tolerance"])

    assert beyond()
    wished, etag = _wished(world)
    wished["drift"] = {"points": "0.50", "least": 100}
    assert _put(world, wished, etag).status == 200
    assert not beyond()


def test_legal_figures_are_dated_rows_of_the_company(world: CardsWorld) -> None:
    """2.00 percent on the next day is allowed by our row and not by the one of the company."""
    body = {"code": "AXESS", "name": "Axess"}
    assert world.call("POST", f"{BASE}/cards", body).status == 201
    commission = {
        "sequence": 1,
        "code": "KOM",
        "kind": "rate",
        "value": "2.00",
        "timing": "per_instalment",
    }
    term = {
        "from": 1,
        "to": 1,
        "collection": "deferred",
        "blockage": {"kind": "added_days", "value": 1},
        "deductions": [commission],
    }
    wished = api_contract("NEXT", card_code="AXESS", starts_on="2026-06-01", terms=[term])
    codes = {one["code"] for one in world.call("POST", BASE, wished).json()["warnings"]}
    assert "fee_above_ceiling" not in codes
    settings, etag = _wished(world)
    settings["legal_limits"] = [
        {
            "valid_from": "2026-06-01",
            "reference_rate": "1.50",
            "credit_margin": "0.45",
            "debit_fee": "1.00",
            "credit_days": 30,
            "debit_days": 10,
            "source": "a decree",
        }
    ]
    assert _put(world, settings, etag).status == 200
    codes = {one["code"] for one in world.call("GET", f"{BASE}/NEXT").json()["warnings"]}
    assert "fee_above_ceiling" in codes
    table = world.call("GET", SETTINGS).json()["legal_table"]
    assert [row["valid_from"] for row in table] == ["2025-11-01", "2026-06-01"]


def test_everything_wrong_with_settings_is_said_at_once(world: CardsWorld) -> None:
    wished, etag = _wished(world)
    row = {
        "valid_from": "2026-06-01",
        "reference_rate": "1",
        "credit_margin": "1",
        "debit_fee": "1",
        "credit_days": 999,
        "debit_days": 10,
        "source": "x",
    }
    wished["matching"] |= {"late_days": 99, "joined_days": 0, "tolerance": "50"}
    wished["drift"]["least"] = -1
    wished["legal_limits"] = [row, row]
    answer = _put(world, wished, etag)
    assert answer.status == 422
    assert {one["pointer"] for one in answer.json()["errors"]} == {
        "/matching/late_days",
        "/matching/joined_days",
        "/matching/tolerance",
        "/drift/least",
        "/legal_limits/0/credit_days",
        "/legal_limits/1/credit_days",
        "/legal_limits/1/valid_from",
    }
    assert world.call("GET", SETTINGS).json()["version"] == 0


def test_settings_are_audited_and_of_one_company(world: CardsWorld) -> None:
    wished, etag = _wished(world)
    wished["matching"]["late_days"] = 9
    assert _put(world, wished, etag).status == 200
    other = world.principal(OTHER)
    assert world.call("GET", SETTINGS, principal=other).json()["matching"]["late_days"] == 7
    reader = world.principal(role="viewer")
    assert world.call("GET", SETTINGS, principal=reader).status == 200
    stale = {"if-match": '"v1"'}
    assert world.call("PUT", SETTINGS, wished, principal=reader, headers=stale).status == 403
    (line,) = world.app.for_system(TENANT, "test").store.history("card_settings:company")
    assert (line.action, line.detail["late_days"]) == ("settings.changed", 9)
    assert [row["action"] for row in world.aws.rows("audit")] == ["settings.changed"]


def test_lines_are_set_aside_with_a_reason_and_taken_back(world: CardsWorld, account: None) -> None:
    _import(world, "01.06.2026;01.06.2026;-500,00;KIRA", "02.06.2026;02.06.2026;7,00;FAIZ")
    ids = [line["id"] for line in _lines(world)]
    path = f"{BASE}/bank-lines"
    assert world.call("POST", f"{path}/set-aside", {"line_ids": ids}).status == 422
    body = {"line_ids": ids[:1], "reason": "rent"}
    for _ in range(2):
        (line,) = world.call("POST", f"{path}/set-aside", body).json()["items"]
        assert (line["status"], line["reason"]) == ("set_aside", "rent")
    assert [line["id"] for line in _lines(world)] == ids[1:]
    assert [line["id"] for line in _lines(world, "set_aside")] == ids[:1]
    pays = {"line_ids": ids[:1], "payment_ids": ["2026-06-01.01JXQ60A1B2C3D4E5F6G7H8J9Q.001"]}
    assert world.call("POST", f"{BASE}/matches", pays).status in (404, 409)
    for _ in range(2):
        (line,) = world.call("POST", f"{path}/take-back", {"line_ids": ids[:1]}).json()["items"]
        assert (line["status"], line["reason"]) == ("unmatched", None)
    assert [line["id"] for line in _lines(world)] == ids
    assert world.call("POST", f"{path}/set-aside", {**body, "reason": "still"}).status == 200
    history = [
        row["action"] for row in world.aws.rows("audit") if row["entity"].startswith("card_aside:")
    ]
    assert history == ["bank_line.set_aside", "bank_line.taken_back", "bank_line.set_aside"]


def test_all_lines_are_set_aside_or_none(world: CardsWorld, account: None) -> None:
    world.sale(instalments=1)
    (owed,) = {(row["date"]) for row in world.receivables()}
    day = ".".join(reversed(owed.split("-")))
    _import(world, f"{day};{day};976,00;POS", f"{day};{day};5,00;FAIZ")
    (match,) = _lines(world, "confirmed")
    (line,) = _lines(world)
    body = {"line_ids": [line["id"], *match["line_ids"]], "reason": "x"}
    assert world.call("POST", f"{BASE}/bank-lines/set-aside", body).json()["code"] == "match_taken"
    assert [one["id"] for one in _lines(world)] == [line["id"]]
    other = world.principal(OTHER)
    mine = {"line_ids": [line["id"]], "reason": "x"}
    path = f"{BASE}/bank-lines/set-aside"
    assert world.call("POST", path, mine, principal=other).status == 404
    assert world.call("POST", path, {**mine, "line_ids": ["x"]}).status == 404


def test_look_again_needs_an_account_of_ours(world: CardsWorld) -> None:
    answer = world.call("POST", f"{BASE}/bank-lines/look-again", {"bank_account_code": "X"})
    assert answer.status == 422
