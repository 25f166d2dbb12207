"""The cost card: what two companies really did, counted by their seals, by month."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from kernel.clock import FixedClock
from tests.support.all_contexts import AllContexts, all_contexts
from tests.support.aws import RULES, AwsWorld
from tests.support.builders import Company
from tests.support.card_contracts_builders import api_contract, api_sale
from tests.support.events import Answer
from tests.support.payment_world import BASE as CODES
from tests.support.pensions_builders import tckn
from tests.support.pensions_desk import person_body
from toolkit.aws.dynamodb import to_item
from toolkit.platform import Platform
from workspace.domain.cost_card import LINES, OTHER, WITH_OTHERS

pytestmark = pytest.mark.loopback
CARDS: Final = "/v1/card-contracts"
NAMES: Final = "an operator knows the names of all companies"
MONTH: Final = {"year": 2026, "month": 5}
EURO: Final = {"amount": "1250.00", "currency": "EUR"}


@pytest.fixture
def world(
    aws: AwsWorld, platform: Platform, clock: FixedClock, tmp_path: Path
) -> Iterator[AllContexts]:
    with all_contexts(aws, platform, clock, tmp_path, ["garanti"]) as of:
        yield of


def _night_of(world: AllContexts, month: int, day: int) -> None:
    """The clock stands a quarter of an hour after midnight, and the schedule fires."""
    world.workspace.clock.set(datetime(2026, month, day, 0, 15, tzinfo=UTC))
    world.workspace.night()


def _ask(world: AllContexts, company: Company, **query: str) -> Answer:
    return world.workspace.call("GET", "/v1/costs", company.key_principal, query=query)


def _card(world: AllContexts, company: Company, month: str) -> dict[str, Any]:
    answer = _ask(world, company, month=month)
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json()
    return found


def _numbers(card: dict[str, Any]) -> dict[str, int]:
    return {line["code"]: line["number"] for line in card["lines"] if line["number"]}


def _send_people(world: AllContexts, company: Company, *national_ids: str) -> None:
    """They are added, bound to a call and enrolled by the insurer; so are their contributions."""
    assert company.key_principal is not None
    world.desk.principal = company.key_principal
    base = world.desk.contract("garanti")
    for each in national_ids:
        world.desk.call("POST", f"{base}/employees", person_body(each))
    job = world.desk.command(f"{base}/submissions", {"all": True})
    assert (job["status"], job["done"]) == ("succeeded", len(national_ids))
    earned = {"amount": "33333.34", "currency": "TRY"}
    rows = [
        {"employee_id": each["id"], "pensionable_earnings": earned}
        for each in world.desk.people(base).values()
    ]
    for row in rows:
        world.desk.call("POST", f"{base}/contributions", {**MONTH, **row})
    job = world.desk.command(f"{base}/contribution-submissions", MONTH)
    assert (job["status"], job["done"]) == ("succeeded", len(rows))


def _mail_code(world: AllContexts, company: Company) -> None:
    def call(method: str, path: str, body: Any) -> Any:
        who = company.key_principal
        answer = world.payments.call(method, f"{CODES}{path}", body, principal=who)
        assert answer.status < 300, answer.body
        world.payments.work()
        return answer.json()

    call("PUT", "/organisation", {"org_code": "91234", "provider": "dias", "api_key": "k" * 9})
    customer = {"id": "C-1", "name": "Δοκιμή", "email": "c-1@customer.example"}
    source = {"kind": "repair_order", "id": "RO-1"}
    made = {"source": source, "customer": customer, "amount": EURO, "description": "RO-1"}
    code = call("POST", "", made)
    call("POST", f"/{code['id']}/send", {"channel": "email"})


def _post_sales(world: AllContexts, company: Company, *numbers: str) -> None:
    def call(path: str, body: Any) -> None:
        answer = world.cards.call("POST", f"{CARDS}{path}", body, principal=company.key_principal)
        assert answer.status == 201, answer.body

    call("", api_contract("AXESS-26"))
    for number in numbers:
        call("/sales", api_sale(number))


def _acts(world: AllContexts, company: Company, *, without: frozenset[str]) -> int:
    """Audit rows of a company, but for some kinds: what the card must not forget."""
    count = 0
    for row in world.workspace.aws.rows("audit"):
        prefix, _, entity = row["pk"].partition("#ENT#")
        context, _, tenant = prefix.partition("#T#")
        kind = f"{context}/{entity.partition(':')[0]}"
        count += tenant == company.id and kind not in without
    return count


OWN: Final = WITH_OTHERS.union(*(line.kinds for line in LINES.values()))


def test_the_card_of_a_month_is_what_was_done_in_it(world: AllContexts) -> None:
    """Two companies; June begins with them, July begins with a seal of its first night."""
    first, second = world.workspace.company(), world.workspace.company("Ege Tekstil")
    empty = _card(world, first, "2026-06")
    assert (empty["status"], empty["total"], empty["lines"]) == ("nothing", None, [])
    _send_people(world, first, tckn(1), tckn(2))
    _mail_code(world, first)
    _night_of(world, 6, 2)
    june = _card(world, first, "2026-06")
    assert (june["status"], june["counted_from"], june["counted_until"][:16]) == (
        "counted",
        None,
        "2026-06-02T00:15",
    )
    other = _acts(world, first, without=OWN)
    assert _numbers(june) == {
        "people_added": 2,
        "people_acts": 4,  # each was bound to the call and answered
        "contributions_added": 2,
        "contributions_acts": 4,
        "codes_issued": 1,
        "codes_mailed": 1,
        OTHER: other,
    }
    world.workspace.night()
    assert _card(world, first, "2026-06") == june, "a second run of the night changes nothing"
    quiet = _card(world, second, "2026-06")
    assert _numbers(quiet) == {OTHER: _acts(world, second, without=OWN)}

    _post_sales(world, first, "FTR-1")
    _night_of(world, 7, 1)
    june = _card(world, first, "2026-06")
    assert _numbers(june)["card_sales"] == 1
    assert _card(world, first, "2026-07")["status"] == "nothing", "July begins here"

    _post_sales(world, second, "FTR-1", "FTR-2")
    before = _acts(world, second, without=OWN)
    _night_of(world, 7, 2)
    assert _card(world, first, "2026-06") == june, "what is past stays"
    july = _card(world, first, "2026-07")
    assert (july["counted_from"], _numbers(july)) == (june["counted_until"], {})
    assert july["total"] == {"amount": "0.00", "currency": "USD"}
    july = _card(world, second, "2026-07")
    assert _numbers(july)["card_sales"] == 2
    whole = _numbers(_card(world, second, "2026-06"))[OTHER] + _numbers(july)[OTHER]
    assert whole == before == _acts(world, second, without=OWN), "nothing lost between the months"
    _it_is_explained_and_handed_out(world, first, june)
    _the_operator_sees_both(world, first, june)
    _less_than_before_is_said_and_never_negative(world, first)


def _it_is_explained_and_handed_out(
    world: AllContexts, company: Company, card: dict[str, Any]
) -> None:
    line = next(line for line in card["lines"] if line["code"] == "people_added")
    assert Decimal(line["usd"]) == (2 * Decimal(line["usd_per_thousand"]) / 1_000).quantize(
        Decimal("0.0001")
    )
    counted, amount, price = line["why"]
    assert "2 from the beginning" in counted
    assert line["usd_per_thousand"] in amount
    assert "us-east-1" in price
    assert "Nothing of it was billed by AWS" in price
    assert card["price_list"] == {"region": "us-east-1", "as_of": "2026-11-01", "billed": False}
    file = _ask(world, company, month="2026-06", format="csv")
    assert (file.status, file.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert f"People added;2;{line['usd_per_thousand']}".replace(".", ",") in file.body.replace(
        ".", ","
    )
    for query, pointer in (
        ({"month": "2026-13"}, "/month"),
        ({"month": "June"}, "/month"),
        ({"format": "pdf"}, "/format"),
    ):
        refused = _ask(world, company, **query)
        assert refused.status == 422
        assert [each["pointer"] for each in refused.json()["errors"]] == [pointer]


def _operator_list(world: AllContexts, month: str) -> dict[str, Any]:
    """What the operator sees of each company, page by page, and what stands beside them."""
    _, operator = world.workspace.operator()
    query = {"month": month, "limit": "1"}
    found: dict[str, Any] = {}
    while True:
        answer = world.workspace.call(
            "GET", "/v1/operator/costs", operator, query=query, shows=NAMES
        )
        assert answer.status == 200, answer.body
        found |= {each["tenant_id"]: each for each in answer.json()["items"]}
        if answer.json()["next_cursor"] is None:
            return {**found, "installation": answer.json()["installation"]}
        query["cursor"] = answer.json()["next_cursor"]


def _the_operator_sees_both(world: AllContexts, company: Company, card: dict[str, Any]) -> None:
    found = _operator_list(world, "2026-06")
    assert len(found) == 3
    shared = set(card) & set(found[company.id])
    assert {"total", "total_usd", "counted_until"} <= shared
    assert all(found[company.id][name] == card[name] for name in shared)
    standing = found["installation"]
    assert Decimal(standing["total"]["amount"]) == sum(
        Decimal(part["usd"]) for part in standing["parts"]
    )
    for who in (company.key_principal, company.owner):
        assert world.workspace.call("GET", "/v1/operator/costs", who).status == 403


def _less_than_before_is_said_and_never_negative(world: AllContexts, company: Company) -> None:
    """Somebody wrote the row of a seal; what it says cannot be, and the card says that."""
    aws = world.workspace.aws
    prefix = f"wsp#T#{company.id}#SEAL#"
    (row,) = [
        row
        for row in aws.rows("core")
        if row["pk"].startswith(prefix) and row["day"] == "2026-07-01"
    ]
    row["tally"]["crd/card_sale"] = [9, 9]
    with RULES.paused():
        aws.client("dynamodb").put_item(TableName="kopru-test-core", Item=to_item(row))
    july = _card(world, company, "2026-07")
    assert (july["fallen"], _numbers(july)) == (["crd/card_sale"], {})
    assert _operator_list(world, "2026-07")[company.id]["fallen"] == ["crd/card_sale"]
