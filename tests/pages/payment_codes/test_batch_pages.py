"""Pages of batches, of splitting a payment, and of refused document events."""

import re
from dataclasses import replace
from typing import Any

import pytest
from markupsafe import escape

from kernel.files import UploadedFile
from tests.support.events import Answer
from tests.support.page_checks import findings
from tests.support.payment_world import BASE, OTHER, TENANT, PaymentWorld

# The form of an upload goes to the bucket: its signed fields stand in for a token of ours.
_FOR_THE_BUCKET = 'form that posts without token: <form method="post" action="http'
LANGUAGES = ("tr", "el", "en")
UPLOAD = "01JXQ60A1B2C3D4E5F6G7H8J9V"
FILE = (
    "Αριθμός αξιογράφου;Κωδικός πελάτη;Πελάτης;Ποσό\n"
    "ΑΞ-1;C-1;Μαρία Δοκιμαστική;100,00\n"
    "ΑΞ-2;C-2;Νίκος Δοκιμαστικός;\n"
    "ΑΞ-3;C-3;;20,00\n"
).encode()


def _page(world: PaymentWorld, path: str, language: str = "en", **query: str) -> str:
    reader = world.principal(kind="session", language=language)
    answer = world.call("GET", path, principal=reader, query=query or None)
    assert answer.status == 200, answer.body
    found = [each for each in findings(answer.body, language) if _FOR_THE_BUCKET not in each]
    assert not found, found
    return answer.body


def _post(world: PaymentWorld, path: str, role: str = "owner", **form: Any) -> Answer:
    reader = world.principal(kind="session", language="en", role=role)
    return world.call("POST", path, principal=reader, form=form)


def _upload(world: PaymentWorld, content: bytes = FILE) -> str:
    files = world.app.for_system(TENANT, "test").files
    files.keep_upload(UPLOAD, UploadedFile(content, "application/octet-stream", "batch"))
    return f"/payment-codes/batches/new/{UPLOAD}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_wizard_leads_from_a_file_to_codes(world: PaymentWorld, language: str) -> None:
    _page(world, "/payment-codes/batches/new", language)
    world.organisation("offline")
    assert "multipart/form-data" in _page(world, "/payment-codes/batches/new", language)
    reader = world.principal(kind="session")
    policy = world.call("GET", "/payment-codes/batches/new", principal=reader).headers
    assert "amazonaws.com" in policy["content-security-policy"].partition("form-action")[2]
    path = _upload(world)
    columns = _page(world, path, language)
    assert "Αριθμός αξιογράφου" in columns
    assert "Μαρία Δοκιμαστική" not in columns
    checked = _post(world, path, kind="bill_batch", column="Ποσό", field="amount")
    assert checked.status == 303
    job = checked.headers["location"]
    assert "hx-get" in _page(world, job, language)
    world.work()
    shown = _page(world, job, language)
    assert f'action="{job}/run"' in shown
    assert "hx-get" not in shown
    assert _post(world, f"{job}/run").status == 303
    world.work()
    assert world.call("GET", BASE).json()["items"][0]["customer"]["id"] == "C-2"
    part = world.call("GET", f"{job}/progress", principal=world.principal(kind="session"))
    assert part.body.lstrip().startswith('<div id="job"')


def test_the_page_of_a_finished_batch_shows_what_is_wrong_and_the_file_back(
    world: PaymentWorld,
) -> None:
    world.organisation("offline")
    path = _upload(world)
    job = _post(world, path, kind="bill_batch").headers["location"]
    world.work()
    after = _post(world, f"{job}/run").headers["location"]
    world.work()
    shown = _page(world, after)
    assert "Codes issued" in shown
    assert "This field is required." in shown
    assert f"{after}/corrected-workbook" in shown
    reader = world.principal(kind="session")
    file = world.call("GET", f"{after}/corrected-workbook", principal=reader)
    assert file.status == 303
    # Only a check can be run, and only by its own company.
    assert _post(world, f"{after}/run").status == 404
    other = world.principal(OTHER, kind="session")
    assert world.call("GET", after, principal=other).status == 404


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_batch_is_taken_back_after_its_count(world: PaymentWorld, language: str) -> None:
    world.organisation()
    path = _upload(world)
    checked = _post(world, path, kind="bill_batch", column="Ποσό", field="amount")
    world.work()
    here = _post(world, f"{checked.headers['location']}/run").headers["location"]
    early = _post(world, f"{here}/undo", dry_run="1")
    assert early.status == 409
    assert "The import is still running." in early.body
    world.work()
    words = world.app.renderer.language(language)
    unused = _post(world, f"{here}/undo", dry_run="1").headers["location"]
    world.work()
    assert words.text("Cancel these codes") in _page(world, unused, language)
    codes = world.call("GET", BASE).json()["items"]
    paid = codes[0]
    world.pay(paid["code"], "1.00")
    world.minute()
    assert f'action="{here}/undo"' in _page(world, here, language)
    check = _post(world, f"{here}/undo", dry_run="1").headers["location"]
    assert "hx-get" in _page(world, check, language)
    world.work()
    shown = _page(world, check, language)
    assert words.plural("%(num)s code stays", "%(num)s codes stay", 1) in shown
    assert words.problem("code_has_payments") in shown
    assert f'href="/payment-codes/{paid["id"]}' in shown
    assert 'name="dry_run"' not in shown
    done = _post(world, f"{here}/undo").headers["location"]
    world.work()
    assert words.text("Taken back") in _page(world, done, language)
    # A job of taking back is no batch: it is neither issued nor taken back itself.
    for step in ("run", "undo"):
        assert _post(world, f"{done}/{step}").status == 404
    states = {code["id"]: code["status"] for code in world.call("GET", BASE).json()["items"]}
    assert sorted(states.values()) == ["cancelled"] * (len(codes) - 1) + ["partially_paid"]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("B-1;C-1;Μαρία;12,345;", "ambiguous"),
        ("B-1;C-1;Μαρία;ten;", "amount"),
        ("B-1;C-1;Μαρία;99999999999999,00;", "too_large"),
        (f"B-1;{'C' * 65};Μαρία;1,00;", "length"),
        ("B-1;C-1;Μαρία;1,00;maria", "shape"),
        ("B-1;C-1;Μαρία;1,00;ma ria@c.example", "local_part"),
        ("B-1;C-1;Μαρία;1,00;maria@c_c.example", "label"),
        ("B-1;;Μαρία;1,00;", "required"),
        ("B-1;C\u200b1;Μαρία;1,00;", "invisible"),
    ],
)
def test_problems_of_rows_are_told_in_the_readers_language(
    world: PaymentWorld, row: str, code: str
) -> None:
    """No sentence of ours reaches a reader untranslated."""
    table = f"Αριθμός παραστατικού;Κωδικός πελάτη;Πελάτης;Ποσό;Email\n{row}\n"
    world.organisation("offline")
    path = _upload(world, table.encode())
    job = _post(world, path, kind="bill_batch", column="Ποσό", field="amount").headers["location"]
    world.work()
    for language in LANGUAGES:
        words = world.app.renderer.language(language)
        assert words.knows("problem", code)
        assert str(escape(words.problem(code))) in _page(world, job, language)


def test_missing_columns_and_no_table_are_told_on_the_page(world: PaymentWorld) -> None:
    world.organisation("offline")
    path = _upload(world, "Ποσό;Πελάτης\n1,00;Μαρία\n".encode())
    assert "Document" in _page(world, path)
    answer = _post(world, path, kind="bill_batch", column="Ποσό", field="amount")
    assert answer.status == 422
    assert "Some columns could not be recognised." in answer.body
    assert _post(world, path, kind="nothing").status == 422


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_payment_is_split_on_its_page(world: PaymentWorld, language: str) -> None:
    world.organisation()
    codes = [world.issue(amount={"amount": "30.00", "currency": "EUR"}) for _ in range(2)]
    world.pay("RF86912348100000000000001", "70.00")
    world.minute()
    (payment,) = world.unmatched()
    path = f"/payment-codes/unmatched/{payment['id']}/split"
    assert path in _page(world, "/payment-codes/unmatched", language)
    _page(world, path, language)
    first, second = (code["code_grouped"] for code in codes)
    wrong = _post(world, path, code_0=first, amount_0="30,00", code_1=second, amount_1="30,00")
    assert wrong.status == 422
    assert "The parts must add up to the whole payment." in wrong.body
    assert re.search(r'name="code_0"[^>]*value="' + first, wrong.body)
    unknown = _post(world, path, code_0="RF00", amount_0="x", code_1=second, amount_1="70,00")
    assert unknown.status == 422
    done = _post(world, path, code_0=first, amount_0="30,00", code_3=second, amount_3="40,00")
    assert done.status == 303
    assert world.unmatched() == []
    assert _post(world, path, code_0=first, amount_0="70,00").status == 409


@pytest.mark.parametrize("language", LANGUAGES)
def test_refused_events_are_told_taken_and_put_aside(world: PaymentWorld, language: str) -> None:
    from payment_codes.handlers import take_document_events
    from tests.integration.payment_codes.test_document_events import Erp, _secret
    from tests.support.events import queue_event
    from tests.support.lambda_context import LambdaContext

    world.organisation("offline")
    erp = Erp(world, _secret(world))
    for number in range(2):
        event = {"kind": "counter_invoice.issued", "document": {"id": f"INV-{number}"}}
        take_document_events.handler(queue_event(erp.message(event)), LambdaContext())
    path = "/payment-codes/refused-events"
    assert path in _page(world, "/payment-codes/organisation", language)
    shown = _page(world, path, language)
    assert "INV-0" in shown
    identities = re.findall(rf"{path}/(\w+)/retry", shown)
    assert _post(world, f"{path}/{identities[0]}/retry").status == 422
    assert _post(world, f"{path}/{identities[0]}/dismiss", note="").status == 422
    assert _post(world, f"{path}/{identities[0]}/dismiss", note="sent again").status == 303
    assert "INV-0" not in _page(world, path, language)


def test_the_secret_of_events_is_shown_once(world: PaymentWorld) -> None:
    world.organisation("offline")
    reader = world.principal(kind="session", language="en")
    path = "/payment-codes/organisation/document-event-secret"
    stale = replace(reader, proved_at="")
    led = world.call("POST", path, principal=stale, form={})
    assert led.location == "/confirm?return_to=/payment-codes/organisation"
    answer = world.call("POST", path, principal=reader, form={}, shows="the new secret")
    assert "whsec_" in answer.body
    assert "whsec_" not in _page(world, "/payment-codes/organisation")
