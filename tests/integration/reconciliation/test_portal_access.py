"""Access of counterparties: made by itself, set by the person, never shown, ended at once."""

from datetime import timedelta

import pytest

from reconciliation.application.counterparties import CHUNK
from reconciliation.domain.access import AccessState, grouped
from reconciliation.domain.visit import Visitor
from tests.support.reconciliation_world import (
    OTHER,
    PASSWORD,
    TENANT,
    Browser,
    ReconciliationWorld,
)


def _invitation(world: ReconciliationWorld, card: str, tenant: str = TENANT) -> str:
    use = world.app.for_system(tenant, "test")
    return use.access_links.link_for(use.store.counterparty(card))


def _user(world: ReconciliationWorld, card: str) -> str:
    access = world.app.for_system(TENANT, "test").access.access(card)
    assert access is not None
    return access.user_name


def test_every_new_card_gets_its_access_by_itself(world: ReconciliationWorld) -> None:
    card = world.counterparty()
    access = world.app.for_system(TENANT, "test").access
    assert access.access(card["id"]) is None
    world.work_portal()
    made = access.access(card["id"])
    assert made is not None
    assert (made.state, made.password_hash) == (AccessState.PREPARED, "")


def test_imported_cards_get_theirs_and_a_repeated_order_changes_nothing(
    world: ReconciliationWorld,
) -> None:
    rows = "".join(f"120.{n:03d};Deneme {n} A.S.;1234567890\r\n" for n in range(40))
    job = world.imported("counterparties", ("Cari Kodu;Unvan;VKN\r\n" + rows).encode())
    assert job["status"] == "succeeded"
    orders = world.aws.messages("reconciliation-portal")
    assert len(orders) == -(-40 // CHUNK)
    world.work_portal(orders)
    before = world.aws.tables()
    world.work_portal(orders)
    assert world.aws.tables() == before
    cards = world.call("GET", "/counterparties", query="limit=200").json()["items"]
    found = world.app.for_system(TENANT, "test").access.accesses(one["id"] for one in cards)
    assert len(found) == 40
    assert len({one.user_name for one in found.values()}) == 40


def test_the_counterparty_chooses_its_password_and_signs_in(world: ReconciliationWorld) -> None:
    card = world.counterparty()
    browser = Browser()
    url = _invitation(world, card["id"])
    page = browser.get(url)
    user = _user(world, card["id"])
    assert page.status == 200
    assert grouped(user) in page.body
    refused = browser.ask("POST", url, {"password": "123456789012"})
    assert refused.status == 422
    assert "error-summary" in refused.body
    done = browser.ask("POST", url, {"password": PASSWORD})
    assert done.location == f"/portal/sign-in?done=password&user={user}"
    assert browser.sign_in(grouped(user).lower(), PASSWORD).location == "/portal"
    assert "kopru_portal-8000" in browser.cookies


def test_the_password_is_stored_as_a_hash_only(world: ReconciliationWorld) -> None:
    world.enter(world.counterparty()["id"])
    assert PASSWORD not in repr(world.aws.tables())
    hashes = [row["password_hash"] for row in world.aws.rows("core") if "password_hash" in row]
    assert [text[:10] for text in hashes] == ["$argon2id$"]


def test_opening_a_link_uses_nothing_up_and_machines_are_labelled(
    world: ReconciliationWorld,
) -> None:
    """Mail gateways fetch every link; afterwards the person's visit still works (S24, N12)."""
    card = world.counterparty()
    url = _invitation(world, card["id"])
    scanner = Browser(agent="Mozilla/5.0 (compatible; Mimecast)", language="")
    for _ in range(100):
        assert scanner.get(url).status == 200
    person = Browser()
    assert person.get(url).status == 200
    visits = world.app.for_system(TENANT, "test").access.visits(f"access:{card['id']}")
    assert [(one.visitor, one.reasons) for one in visits] == [
        (Visitor.MACHINE, ("agent", "language")),
        (Visitor.PERSON, ()),
    ]
    assert person.ask("POST", url, {"password": PASSWORD}).status == 303


def test_an_invitation_works_once_and_ends(world: ReconciliationWorld) -> None:
    card = world.counterparty()
    url = _invitation(world, card["id"])
    assert _invitation(world, card["id"]) == url, "asking again gives the same link"
    browser = Browser()
    assert browser.ask("POST", url, {"password": PASSWORD}).status == 303
    again = browser.ask("POST", url, {"password": PASSWORD})
    assert (again.status, browser.get(url).status) == (404, 404)
    assert _invitation(world, card["id"]).endswith(
        f"/portal/sign-in?user={_user(world, card['id'])}"
    )
    late = world.counterparty("120.2")
    url = _invitation(world, late["id"])
    world.clock.advance(timedelta(hours=49))
    assert Browser().get(url).status == 200
    assert _invitation(world, late["id"]) != url, "less than a day is left: a mail gets a new one"
    assert Browser().get(url).status == 404
    newer = _invitation(world, late["id"])
    world.clock.advance(timedelta(hours=72))
    assert Browser().get(newer).status == 404


@pytest.mark.parametrize("change", ["x", "A" * 40, "../sign-in"])
def test_a_wrong_link_says_nothing(world: ReconciliationWorld, change: str) -> None:
    answer = Browser().get(f"/portal/invitations/{change.replace('/', '%2F')}")
    assert answer.status == 404


def test_wrong_passwords_and_unknown_users_look_alike_and_are_counted(
    world: ReconciliationWorld,
) -> None:
    card = world.counterparty()
    world.enter(card["id"])
    known, unknown = _user(world, card["id"]), "23456789ABCD"
    wrong = Browser().sign_in(known, "something quite wrong")
    nobody = Browser().sign_in(unknown, "something quite wrong")
    assert (wrong.status, nobody.status) == (401, 401)
    assert wrong.body.replace(known, "") == nobody.body.replace(unknown, "")
    for _ in range(4):
        Browser().sign_in(known, "something quite wrong")
    assert Browser(source_ip="203.0.113.99").sign_in(known, PASSWORD).status == 429
    world.clock.advance(timedelta(minutes=16))
    assert Browser().sign_in(known, PASSWORD).status == 303


def test_shutting_out_ends_link_password_and_session(world: ReconciliationWorld) -> None:
    card = world.counterparty()
    browser = world.enter(card["id"])
    use = world.app.for_system(TENANT, "test")
    revoked = use.revoke_access()(card["id"])
    assert revoked is not None
    assert revoked.password_hash == ""
    assert browser.get("/portal").location == "/portal/sign-in"
    assert Browser().sign_in(_user(world, card["id"]), PASSWORD).status == 401


def test_sessions_end_by_themselves_and_by_sign_out(world: ReconciliationWorld) -> None:
    card = world.counterparty()
    browser = world.enter(card["id"])
    world.clock.advance(timedelta(minutes=29))
    assert browser.get("/portal").status == 200
    world.clock.advance(timedelta(minutes=31))
    assert browser.get("/portal").location == "/portal/sign-in"
    browser.sign_in(_user(world, card["id"]), PASSWORD)
    held = dict(browser.cookies)
    assert browser.post("/portal/sign-out").location == "/portal/sign-in?done=signed_out"
    assert Browser(cookies=held).get("/portal").location == "/portal/sign-in"


def test_a_form_without_its_token_or_of_another_site_is_refused(
    world: ReconciliationWorld,
) -> None:
    card = world.counterparty()
    browser = world.enter(card["id"])
    assert browser.ask("POST", "/portal/sign-out", {}).status == 403
    other = world.enter(world.counterparty("120.2")["id"])
    page = other.get("/portal").body
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    assert browser.ask("POST", "/portal/sign-out", {"csrf_token": token}).status == 403
    site = {"sec-fetch-site": "cross-site"}
    form = {"user": _user(world, card["id"]), "password": PASSWORD}
    assert Browser().ask("POST", "/portal/sign-in", form, site).status == 403


def test_sessions_of_staff_and_of_counterparties_are_apart(world: ReconciliationWorld) -> None:
    """The portal's cookie opens no page of staff, and the staff's cookie no page of the portal."""
    browser = world.enter(world.counterparty()["id"])
    value = browser.cookies["kopru_portal-8000"]
    assert Browser(cookies={"kopru-8000": value}).get("/portal").location == "/portal/sign-in"
    assert not any("SESS#" in row["pk"] for row in world.aws.rows("edge") if "wsp" in row["pk"])


def test_a_link_of_one_company_opens_nothing_of_another(world: ReconciliationWorld) -> None:
    with world.aws.rules.only(contexts=("rec",), tenants=(TENANT,)):
        card = world.counterparty()
        world.work_portal()
        world.enter(card["id"])
    other = world.app.for_system(OTHER, "test")
    assert other.access.access(card["id"]) is None
