"""Pages of bank statements: from the file to the decision about a difference (PAY-03)."""

import re
from typing import Any

import pytest

from kernel.files import UploadedFile
from tests.support.events import Answer
from tests.support.page_checks import assert_sound
from tests.support.payment_world import BASE, PaymentWorld
from tests.support.statements import Move, camt, csv_text

LANGUAGES = ("tr", "el", "en")
ROOT = "/payment-codes/statements"
_UPLOAD = re.compile(r"<form [^>]*data-upload>.*?</form>", re.DOTALL)


def _page(world: PaymentWorld, path: str, language: str = "en", **query: str) -> str:
    reader = world.principal(kind="session", language=language)
    answer = world.call("GET", path, principal=reader, query=query or None)
    assert answer.status == 200, answer.body
    if not path.endswith("/progress"):
        # The form of an upload goes to the bucket: its signed fields stand in for a token of ours.
        assert_sound(_UPLOAD.sub("", answer.body), language)
    return answer.body


def _post(world: PaymentWorld, path: str, **form: str) -> Answer:
    reader = world.principal(kind="session", language="en")
    return world.call("POST", path, principal=reader, form=form)


def _uploaded(world: PaymentWorld, data: bytes) -> str:
    upload_id = world.app.platform.ids.new()
    use = world.app.for_system(world.principal().tenant_id, "test")
    use.statement_files.keep_upload(upload_id, UploadedFile(data, "text/plain", "statement"))
    return upload_id


def _different(world: PaymentWorld) -> dict[str, Any]:
    code = world.issue()
    payment = world.pay(code["code"], "1250.00")
    world.call("POST", f"{BASE}/{code['id']}/refresh")
    world.work()
    world.statement(camt([Move(1_000, code["code"], bank_reference=payment["id"]), Move(700)]))
    return code


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_sound_in_every_language(world: PaymentWorld, language: str) -> None:
    _page(world, ROOT, language)
    world.organisation()
    _page(world, f"{ROOT}/new", language)
    _different(world)
    assert "10" in _page(world, ROOT, language)
    (job,) = [r for r in world.aws.rows("core") if r.get("kind") == "statement_import"]
    path = f"{ROOT}/imports/{job['id']}"
    for query in ({}, {"outcome": "differs"}):
        body = _page(world, path, language, **query)
        assert "GR16…0695" in body
        assert "GR1601101250000000012300695" not in body
    wrong = world.statement(camt([Move(5)], closing=1))
    _page(world, f"{ROOT}/imports/{wrong['id']}", language)
    waiting = world.statement(camt([Move(6)]), work=False)
    assert "hx-get" in _page(world, f"{ROOT}/imports/{waiting['id']}/progress", language)


def test_a_person_imports_a_file(world: PaymentWorld) -> None:
    world.organisation("offline")
    code = world.issue()
    choose = _page(world, f"{ROOT}/new")
    assert 'enctype="multipart/form-data"' in choose
    upload = _uploaded(world, csv_text([Move(125_000, code["code"])]).encode())
    path = f"{ROOT}/uploads/{upload}"
    _page(world, path)
    dry = _post(world, path, profile="greek", dry_run="1")
    assert dry.status == 303, dry.body
    world.work()
    body = _page(world, dry.location)
    assert "checked only" in body
    assert f'href="{path}"' in body
    done = _post(world, path, profile="greek")
    world.work()
    assert "booked from the statement" in _page(world, done.location)
    assert world.code(code["id"])["status"] == "paid"
    assert "Seen on a bank statement" not in _page(world, f"/payment-codes/{code['id']}")
    without = _post(world, path, profile="")
    world.work()
    assert "choose how its columns" in _page(world, without.location)
    assert _post(world, path, profile="mars").status == 422
    gone = f"{ROOT}/uploads/01JXQ60A1B2C3D4E5F6G7H8J9Q"
    assert _post(world, gone, profile="").status == 404


def test_a_person_decides_about_a_difference(world: PaymentWorld) -> None:
    world.organisation()
    code = _different(world)
    (line,) = world.differences()
    path = f"{ROOT}/differences/{line['id']}/resolve"
    assert _post(world, path, decision="guess").status == 422
    done = _post(world, path, decision="same", note="bank fee")
    assert done.location.endswith("done=decided_same")
    assert "agree about every payment" in _page(world, ROOT, done="decided_same")
    assert _post(world, path, decision="book").status == 409
    assert world.code(code["id"])["paid_total"]["amount"] == "1250.00"


def test_pages_need_their_right(world: PaymentWorld) -> None:
    world.organisation("offline")
    viewer = world.principal(kind="session", role="viewer", language="en")
    assert world.call("GET", ROOT, principal=viewer).status == 200
    assert world.call("GET", f"{ROOT}/new", principal=viewer).status == 403
    payroll = world.principal(kind="session", role="payroll", language="en")
    assert world.call("GET", ROOT, principal=payroll).status == 403
