"""A person who went the whole way to the insurer: imported, corrected, sent, collected, left.

Then nothing of them is left in any table or bucket, the ledger has the same entries, and the audit
chains verify (I-19). Real handlers and a simulated insurer over SOAP.
"""

from pathlib import Path
from typing import Any, Final

import pytest

from kernel.clock import FixedClock
from tests.support.aws import AwsWorld
from tests.support.privacy_world import PrivacyWorld, objects, privacy_world
from toolkit.platform import Platform

pytestmark = pytest.mark.loopback

NUMBER: Final = "12345678950"
OTHER: Final = "98765432150"
PHONES: Final = ("5327770001", "5327770002")
VALUES: Final = (NUMBER, "Sessizoğlu", "zeynep@kisi.example", *PHONES)
HEADER: Final = "tckn;ad;soyad;dogum_tarihi;cep;eposta;ise_giris_tarihi\n"
MONTH: Final = {"year": 2026, "month": 5}


def _file(phone: str) -> bytes:
    rows = (
        f"{NUMBER};Zeynep;Sessizoğlu;01.02.1990;0{phone};zeynep@kisi.example;02.03.2026\n"
        f"{OTHER};Mehmet;Komşu;03.04.1985;05321112233;mehmet@kisi.example;02.03.2026\n"
    )
    return (HEADER + rows).encode()


def _refreshed(world: PrivacyWorld, base: str) -> None:
    world.pensions.pass_time(minutes=2)
    world.pensions.call("POST", f"{base}/status-refreshes", {})
    world.pensions.work()


def _whole_path(world: PrivacyWorld) -> str:
    """The address of the contract."""
    desk = world.pensions
    base = desk.contract("garanti")
    for phone in PHONES:
        job = desk.imported(base, "employees", _file(phone), "text/csv")
        assert job["status"] == "succeeded", job
    desk.command(f"{base}/submissions", {"all": True})
    _refreshed(world, base)
    people = desk.people(base)
    assert {person["status"] for person in people.values()} == {"enrolled"}
    rows: list[dict[str, Any]] = [
        {
            "employee_id": person["id"],
            "pensionable_earnings": {"amount": "33333.34", "currency": "TRY"},
        }
        for person in people.values()
    ]
    desk.call("POST", f"{base}/contributions/calculate", {**MONTH, "rows": rows})
    desk.command(f"{base}/contribution-submissions", MONTH)
    _refreshed(world, base)
    query = {"year": "2026", "month": "5"}
    items = desk.call("GET", f"{base}/contributions", query=query)["items"]
    assert {item["status"] for item in items} == {"accepted"}
    return base


def test_nothing_is_left_of_somebody_who_went_the_whole_way(
    aws: AwsWorld, platform: Platform, clock: FixedClock, tmp_path: Path
) -> None:
    with privacy_world(aws, platform, clock, tmp_path, ("garanti",)) as world:
        base = _whole_path(world)
        ledger = world.ledger()
        assert ledger
        early = world.finished("erasures", NUMBER)
        assert early["status"] == "waiting", "the plan is in force"
        leave = {"leave": {"national_id": NUMBER, "on": "2026-05-29"}}
        world.pensions.insurers["garanti"].script(leave)
        _refreshed(world, base)
        # What the company itself would export, and the person's own copy, hold the values too.
        records = world.collected(NUMBER)
        assert {record["kind"] for record in records} >= {
            "employee",
            "contribution",
            "transmission",
        }
        assert any(NUMBER in content.decode("utf-8", "replace") for _, content in objects())
        done = world.finished("erasures", NUMBER)
        assert done["status"] == "done", done
        assert world.places_of(*VALUES) == []
        assert world.collected(NUMBER) == []
        assert world.ledger() == ledger
        assert world.audit_is_intact()
        neighbour = world.pensions.people(base)[OTHER]
        assert (neighbour["status"], neighbour["last_name"]) == ("enrolled", "Komşu")
        kinds = {place.split("#")[3] for place in world.places_of(OTHER)}
        assert kinds >= {"EMPLOYEE", "TRANSMISSION"}, "frozen lines of others stay as they were"
