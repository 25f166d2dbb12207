"""Pages of signatures: what is trusted, fetch, hand in, see what was checked, approve."""

import base64
from html import unescape

import pytest

from kernel.files import UploadedFile
from tests.pages.workflow.test_approval_pages import Pages, world
from tests.support.approvals_world import CHIEF, MANAGER
from tests.support.page_checks import parse
from tests.support.pensions_builders import tckn
from tests.support.rules_world import TENANT
from tests.support.signers import Signing, authority, person, revocation_list

__all__ = ["world"]
ROOT = authority("Deneme Kok", number=50)
SIGNER = person(ROOT, number=51)
TRUST = "/workflow/trust"


@pytest.fixture
def signing(world: Pages) -> Pages:
    """CHIEF is asked for a signature."""
    world.proved_at = world.clock.now().isoformat()
    value = {"key": "approval.signature[CHIEF]", "value": "qualified", "valid_from": "2026-01-01"}
    world.rules.ok("POST", "/parameters", value)
    assert world.post("/workflow/delegations/join", CHIEF, "accountant").status == 303
    assert world.post(f"{TRUST}/anchors", MANAGER, certificate=ROOT.pem).status == 303
    form = {
        "person": f"user:{CHIEF}",
        "identity_kind": "serial_number",
        "identity": tckn(1),
    }
    assert world.post(f"{TRUST}/signers", MANAGER, **form).status == 303
    return world


def _hand_in(world: Pages, signature: bytes) -> str:
    """What the browser's form does: the file goes to storage, the person comes back."""
    use = world.rules.app.for_system(TENANT, "test")
    upload_id = use.scope.ids.new()
    use.files.keep_upload(upload_id, UploadedFile(signature, "application/octet-stream", "upload"))
    return upload_id


@pytest.mark.parametrize("language", ["tr", "el", "en"])
def test_pages_are_sound_in_every_language(signing: Pages, language: str) -> None:
    made = signing.ask("900.00")
    here = f"/workflow/approvals/{made['id']}"
    signing.page(here, CHIEF, language, "accountant")
    listed = signing.page(TRUST, MANAGER, language)
    assert tckn(1) not in listed
    statement = signing.draw("GET", f"{here}/statement", CHIEF, "en", "accountant").body.encode()
    at = signing.clock.now()
    good = _hand_in(signing, Signing(SIGNER, at=at)(statement))
    signing.page(f"{here}/signed/{good}", CHIEF, language, "accountant")


def test_a_person_signs_and_approves(signing: Pages) -> None:
    made = signing.ask("900.00")
    here = f"/workflow/approvals/{made['id']}"
    task = signing.page(here, CHIEF, role="accountant")
    assert "Whoever approves signs the decision" in task
    assert f'href="{here}/sign"' in task
    assert not parse(task).xpath("//button[@value='approve']")
    chosen = parse(signing.draw("GET", f"{here}/sign", CHIEF, "en", "accountant").body)
    (form,) = chosen.xpath("//form[@enctype='multipart/form-data']")
    (back,) = form.xpath(".//input[@name='success_action_redirect']/@value")
    assert f"{here}/signed/" in back
    statement = signing.draw("GET", f"{here}/statement", CHIEF, "en", "accountant")
    assert "attachment" in statement.headers["content-disposition"]
    signature = Signing(SIGNER, named=SIGNER, at=signing.clock.now())(statement.body.encode())
    signed = f"{here}/signed/{_hand_in(signing, signature)}"
    shown = signing.page(signed, CHIEF, role="accountant")
    assert "CAdES-BES" in shown
    assert "Not checked: there is no current revocation list" in shown
    # Looking has decided nothing.
    assert signing.read(made["id"])["status"] == "pending"
    assert signing.post(signed, CHIEF, "accountant", reason="fine").status == 303
    assert signing.read(made["id"])["status"] == "approved"
    after = signing.page(here, CHIEF, role="accountant")
    assert f"{tckn(1)[:3]}******{tckn(1)[-2:]}" in after
    assert tckn(1) not in after


def test_a_signature_that_does_not_hold_says_why_and_offers_no_decision(signing: Pages) -> None:
    made = signing.ask("900.00")
    here = f"/workflow/approvals/{made['id']}"
    signed = f"{here}/signed/{_hand_in(signing, Signing(SIGNER)(b'something else'))}"
    refused = signing.draw("GET", signed, CHIEF, "tr", "accountant")
    assert refused.status == 422
    assert "Başka bir metin imzalanmış" in unescape(refused.body), refused.body
    assert not parse(refused.body).xpath("//form[contains(@action, '/signed/')]")
    assert signing.post(signed, CHIEF, "accountant").status == 422
    assert signing.read(made["id"])["status"] == "pending"


def test_trust_is_shown_taken_and_ended(signing: Pages) -> None:
    bad = signing.post(f"{TRUST}/anchors", MANAGER, certificate="no certificate")
    assert bad.status == 422
    assert "no certificate of an authority" in unescape(bad.body)
    now = signing.clock.now()
    made = revocation_list(ROOT, made=now, until=now.replace(day=20))
    text = base64.b64encode(made).decode()
    assert signing.post(f"{TRUST}/revocation-lists", MANAGER, list=text).status == 303
    listed = signing.page(TRUST, MANAGER)
    assert listed.count("in force") == 3
    anchor = next(each for each in signing.ok("GET", "/trust", who=MANAGER)["items"])
    assert signing.post(f"{TRUST}/{anchor['id']}/end", MANAGER).status == 303
    assert signing.page(TRUST, MANAGER).count("in force") == 2


def test_trust_asks_for_a_fresh_proof(signing: Pages) -> None:
    signing.proved_at = ""
    led = signing.post(f"{TRUST}/anchors", MANAGER, certificate=ROOT.pem)
    assert led.location == f"/confirm?return_to={TRUST}"
    assert signing.draw("GET", TRUST, CHIEF, "en", "accountant").status == 403
