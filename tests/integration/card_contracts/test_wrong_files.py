"""Wrong statements through API, worker and page: every place is told, nothing is left behind."""

from typing import Any

import pytest

from kernel.files import UploadedFile
from tests.support.cards_world import BASE, TENANT, CardsWorld
from tests.support.statements import ACCOUNT
from tests.support.wrong_statements import Wrong, good_files, wrong_files

CODE = "102.01"
OWN_ROWS = ("#JOB#", "#JOBS", "#OUT#")


def prepare(world: CardsWorld) -> None:
    """An account in euro, and a sale whose first payment every good file brings."""
    body = {"code": CODE, "name": "Vadesiz", "kind": "deposit", "iban": ACCOUNT}
    assert world.call("POST", f"{BASE}/bank-accounts", body).status == 201
    world.contract(bank_account_code=CODE)
    world.sale(amount={"amount": "1000.00", "currency": "EUR"})


def import_file(world: CardsWorld, content: bytes, profile: Any) -> str:
    """Id of the job of an uploaded file."""
    upload_id = world.app.platform.ids.new()
    files = world.app.for_system(TENANT, "test").statement_files
    files.keep_upload(upload_id, UploadedFile(content, "text/plain", "statement"))
    body: dict[str, Any] = {"upload_id": upload_id, "bank_account_code": CODE}
    if profile is not None:
        body["profile"] = dict(profile) if not isinstance(profile, str) else profile
    answer = world.call("POST", f"{BASE}/statements/imports", body)
    assert answer.status == 202, answer.body
    world.work()
    return str(answer.json()["id"])


def everything(world: CardsWorld) -> list[str]:
    """Every row of every table but the job and its messages."""
    return sorted(
        repr(sorted(row.items(), key=lambda pair: pair[0]))
        for table in ("core", "ledger", "audit", "flow")
        for row in world.aws.rows(table)
        if not any(mark in row["pk"] for mark in OWN_ROWS)
    )


@pytest.mark.parametrize("wrong", list(wrong_files()), ids=lambda wrong: wrong.name)
def test_a_wrong_file_tells_every_place_and_leaves_nothing(world: CardsWorld, wrong: Wrong) -> None:
    prepare(world)
    before = everything(world)
    job_id = import_file(world, wrong.content, wrong.profile)
    job = world.job(job_id)
    assert (job["status"], job["result"]["code"]) == ("failed", wrong.code)
    assert tuple((one["line"], one["code"]) for one in job["problems"]) == wrong.problems
    assert everything(world) == before
    assert world.aws.published("card_contracts.StatementImported.v1") == []
    page = world.call(
        "GET",
        f"/card-contracts/statements/imports/{job_id}",
        principal=world.principal(kind="session", language="tr"),
    )
    assert page.status == 200
    for one in job["problems"]:
        assert f">{one['line']}<" in page.body or not one["line"]
        assert one["message"] not in page.body  # it is said in the reader's words


@pytest.mark.parametrize("name", list(good_files()))
def test_the_good_file_it_was_made_from_settles_payments(world: CardsWorld, name: str) -> None:
    prepare(world)
    job = world.job(import_file(world, *good_files()[name]))
    assert (job["status"], dict(job["result"]["counts"])) == (
        "succeeded",
        {"new": 4, "confirmed": 1, "suggested": 1},
    )
