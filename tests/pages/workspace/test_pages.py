"""Every page of the workspace in Turkish, Greek and English: sound, translated, truthful."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from infra.assets.messages import problems
from kernel.sensitive import Email, Secret
from tests.pages.workspace.conftest import CONTRACT, LANGUAGES, Scene
from tests.support.page_checks import assert_sound, findings, parse
from tests.support.scanner import CANARY_PASSWORD, SCANNER

PACKAGE = Path(__file__).parents[3] / "functions" / "workspace"
TITLES = {
    "/": {"tr": "Bugün", "el": "Σήμερα", "en": "Today"},
    "/jobs": {"tr": "İşler", "el": "Εργασίες", "en": "Jobs"},
    "/incidents": {"tr": "Olaylar", "el": "Συμβάντα", "en": "Incidents"},
    "/messages": {"tr": "Posta günlüğü", "el": "Αρχείο μηνυμάτων", "en": "Mail log"},
    "/people": {"tr": "Kullanıcılar", "el": "Χρήστες", "en": "Users"},
    "/people/new": {"tr": "Birini davet et", "el": "Πρόσκληση ατόμου", "en": "Invite somebody"},
    "/api-keys": {"tr": "API anahtarları", "el": "Κλειδιά API", "en": "API keys"},
    "/webhooks": {"tr": "Webhook'lar", "el": "Κλήσεις webhook", "en": "Webhooks"},
    "/webhooks/catalogue": {
        "tr": "Bildirim kataloğu",
        "el": "Κατάλογος γεγονότων",
        "en": "Catalogue of events",
    },
    "/events": {"tr": "Bildirim günlüğü", "el": "Αρχείο γεγονότων", "en": "Event log"},
    "/evidence": {"tr": "Kanıtlar", "el": "Αποδείξεις", "en": "Evidence"},
    "/costs": {"tr": "Maliyetler", "el": "Κόστος", "en": "Costs"},
    "/settings": {"tr": "Ayarlar", "el": "Ρυθμίσεις", "en": "Settings"},
    "/companies": {"tr": "Şirketler", "el": "Εταιρείες", "en": "Companies"},
}


def _text(html: str) -> str:
    page = parse(html)
    return re.sub(r"\s+", " ", page.xpath("//main")[0].text_content()).strip()


def _is_free_form(finding: str) -> bool:
    return finding.startswith("form that posts without token")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogue_is_complete_and_compiled(language: str) -> None:
    assert list(problems(PACKAGE, language)) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_lists_and_forms_are_sound_and_titled(scene: Scene, language: str) -> None:
    for path, titles in TITLES.items():
        answer = scene.page(path, language)
        assert answer.status == 200, path
        assert_sound(answer.body, language)
        assert parse(answer.body).findtext(".//title") == f"{titles[language]} · Köprü"
        assert parse(answer.body).xpath("//h1")[0].text_content().strip() == titles[language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_of_one_item_are_sound(scene: Scene, language: str) -> None:
    for path in (
        f"/jobs/{scene.running}",
        f"/jobs/{scene.finished}",
        f"/incidents/{scene.open_incident}",
        f"/incidents/{scene.resolved_incident}",
        f"/people/{scene.invited}",
        f"/people/{scene.company.members['owner'].id}",
        f"/timeline/user/{scene.invited}",
        f"/timeline/incident/{scene.resolved_incident}",
        f"/timeline/tenant/{scene.company.id}",
    ):
        answer = scene.page(path, language)
        assert answer.status == 200, path
        assert_sound(answer.body, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_way_in_is_sound_without_a_session(scene: Scene, language: str) -> None:
    scene.world.run_mail()
    (link,) = scene.world.links()[-1:]
    for path in (
        "/sign-in",
        "/sign-up",
        "/forgotten-password",
        link,
        "/invitations/none",
        "/problems/conflict",
    ):
        answer = scene.world.call("GET", path, query={"lang": language}, shows="a link of a mail")
        assert answer.status == (404 if path.endswith("none") else 200), path
        # Without a session there is nothing a token could belong to; the forms of the way in are
        # guarded by where they come from (`refuse_other_sites`).
        found = [each for each in findings(answer.body, language) if not _is_free_form(each)]
        assert found == []
        assert f"kopru_language-8000={language}; Path=/" in answer.cookies[0]
    kept = scene.world.call("GET", "/sign-in", cookies=(f"kopru_language-8000={language}",))
    assert parse(kept.body).get("lang") == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_empty_company_says_what_will_stand_there(empty: Scene, language: str) -> None:
    for path in ("/", "/jobs", "/incidents", "/messages"):
        answer = empty.page(path, language)
        assert answer.status == 200
        assert_sound(answer.body, language)
        assert 'class="empty' in answer.body


# ---------------------------------------------------------------------------- today


def test_today_orders_by_urgency_money_age_and_date(scene: Scene) -> None:
    page = parse(scene.page("/", "tr").body)
    exceptions = [
        row.text_content().split() for row in page.xpath("//*[@id='exception-list']/tbody/tr")
    ]
    assert "something_new" in " ".join(exceptions[0])
    assert (
        "1.042,00\N{NO-BREAK SPACE}TL" in page.xpath("//*[@id='exception-list']")[0].text_content()
    )
    assert "4 satır" in " ".join(exceptions[1])
    due = [row.text_content() for row in page.xpath("//*[@id='deadline-list']/tbody/tr")]
    assert ["29.05.2026" in due[0], "01.06.2026" in due[1], "09.06.2026" in due[2]] == [True] * 3
    assert "gecikmiş" in due[0]
    assert "bugün" in due[1]
    connections = page.xpath("//*[@id='connection-list']")[0]
    assert "sorunlu" in connections.text_content()
    assert connections.xpath(".//a/@href") == [f"/pensions/contracts/{CONTRACT}"]
    tiles = [tile.text_content() for tile in page.xpath("//*[contains(@class, 'hub-tile-value')]")]
    assert [tile.strip() for tile in tiles] == ["2", "3", "0", "1"]


def test_a_session_without_a_company_is_led_to_its_companies(scene: Scene) -> None:
    lost = scene.reader("tr", tenant_id="", roles=(), tenant_name="")
    answer = scene.world.call("GET", "/", lost)
    assert (answer.status, answer.location) == (303, "/companies")
    assert scene.world.call("GET", "/companies", lost, shows="own").status == 200
    assert scene.world.call("GET", "/jobs", lost).status == 403
    nobody = scene.world.call("GET", "/")
    assert (nobody.status, nobody.location) == (303, "/sign-in?return_to=/")


@pytest.mark.parametrize("language", LANGUAGES)
def test_companies_are_overseen_and_one_goes_on_to_one(scene: Scene, language: str) -> None:
    owner = scene.reader(language)
    other = scene.world.company("Sakin Ltd")
    scene.world.app.install_user()(
        other.context(),
        email=Email(scene.company.members["owner"].email),
        name="Deniz Owner",
        roles=["accountant"],
        language=language,
        password=Secret(CANARY_PASSWORD),
    )
    answer = scene.world.call("GET", "/companies", replace(owner, tenant_id=""), shows="own")
    assert_sound(answer.body, language)
    rows = parse(answer.body).xpath("//*[@id='companies']/tbody/tr")
    assert [row.xpath("./th")[0].text_content().split()[0] for row in rows] == ["Yıldız", "Sakin"]
    query = {"show": "done", "q": "sakın"}
    done = scene.world.call(
        "GET", "/companies", replace(owner, tenant_id=""), query=query, shows="own"
    )
    assert len(parse(done.body).xpath("//*[@id='companies']/tbody/tr")) == 1
    listed = scene.world.call(
        "GET", "/v1/companies", replace(owner, tenant_id=""), query={"done": "false"}, shows="own"
    ).json()["items"]
    assert [(each["standing"], each["done"]) for each in listed] == [("overdue", False)]


# ---------------------------------------------------------------------------- jobs


def test_a_running_job_asks_again_and_slows_down(scene: Scene) -> None:
    page = parse(scene.page(f"/jobs/{scene.running}", "tr").body)
    (part,) = page.xpath("//*[@id='job-progress']")
    assert part.get("hx-get") == f"/jobs/{scene.running}/progress?pause=3"
    assert part.get("hx-trigger") == "load delay:2s"
    assert "312" in part.text_content()
    assert "480" in part.text_content()
    assert page.xpath("//noscript//a/@href") == [f"/jobs/{scene.running}"]
    fragment = scene.page(f"/jobs/{scene.running}/progress", "tr", query={"pause": "14"})
    assert "<html" not in fragment.body
    assert "pause=15" in fragment.body
    assert "load delay:14s" in fragment.body
    last = scene.page(f"/jobs/{scene.running}/progress", "tr", query={"pause": "999"})
    assert "load delay:15s" in last.body
    wild = scene.page(f"/jobs/{scene.running}/progress", "tr", query={"pause": "x' onload="})
    assert "load delay:2s" in wild.body


def test_a_finished_job_stops_asking_and_says_what_went_wrong(scene: Scene) -> None:
    body = scene.page(f"/jobs/{scene.finished}/progress", "el").body
    assert "hx-get" not in body
    assert "data-announce" in body
    page = parse(scene.page(f"/jobs/{scene.finished}", "el").body)
    lines = [item.text_content() for item in page.xpath("//*[@id='job-progress']//li")]
    assert lines == ["γραμμή 7: Αυτή η καταχώριση χρειάζεται.", "Something new."]
    assert not page.xpath("//form[contains(@action, '/cancel')]")


def test_only_who_may_stops_a_job(scene: Scene) -> None:
    path = f"/jobs/{scene.running}"
    assert "/cancel" in scene.page(path, "tr", "payroll").body
    assert "/cancel" not in scene.page(path, "tr", "viewer").body
    viewer = scene.reader("tr", "viewer")
    assert scene.world.call("POST", f"{path}/cancel", viewer, form={}).status == 403
    done = scene.world.call("POST", f"{path}/cancel", scene.reader("tr"), form={})
    assert (done.status, done.location) == (303, f"{path}?done=cancel")
    assert "durması istendi" in scene.page(path, "tr", query={"done": "cancel"}).body
    over = scene.world.call("POST", f"/jobs/{scene.finished}/cancel", scene.reader("tr"), form={})
    assert over.status == 409
    assert_sound(over.body, "tr")


# ---------------------------------------------------------------------------- incidents


def test_incidents_are_filtered_and_resolved_by_form(scene: Scene) -> None:
    everything = _text(scene.page("/incidents", "en").body)
    assert everything.index("open") < everything.index("resolved")
    only = scene.page("/incidents", "en", query={"state": "resolved"}).body
    assert scene.resolved_incident in only
    assert scene.open_incident not in only
    path = f"/incidents/{scene.open_incident}"
    assert 'name="note"' in scene.page(path, "tr").body
    assert 'name="note"' not in scene.page(path, "tr", "payroll").body
    wrong = scene.world.call("POST", f"{path}/resolve", scene.reader("tr"), form={"note": " "})
    assert wrong.status == 422
    assert_sound(wrong.body, "tr")
    assert "Bu alan gerekli." in wrong.body
    note = "<b>Düzeltildi</b>"
    done = scene.world.call("POST", f"{path}/resolve", scene.reader("tr"), form={"note": note})
    assert done.location == f"{path}?done=resolved"
    shown = scene.page(path, "tr", query={"done": "resolved"}).body
    assert "&lt;b&gt;Düzeltildi&lt;/b&gt;" in shown
    assert "Deniz Owner" in shown
    assert "serbest bırakıldı" in shown


# ---------------------------------------------------------------------------- mail log


def test_every_state_of_a_mail_has_its_word(scene: Scene) -> None:
    for language, words in (
        ("tr", ("yanıt bekleniyor", "teslim edilemedi", "istenmeyen olarak bildirildi")),
        ("el", ("αναμένεται απάντηση", "επιστράφηκε", "αναφέρθηκε ως ανεπιθύμητο")),
        ("en", ("answer outstanding", "returned as undeliverable", "reported as unwanted")),
    ):
        text = _text(scene.page("/messages", language).body)
        assert all(word in text for word in words)
        assert "yeni@ornek.example" in text


# ---------------------------------------------------------------------------- people, keys


def test_a_refused_invitation_keeps_what_was_typed(scene: Scene) -> None:
    form = {"name": "Ayşe Demir", "email": "x", "language": "el", "until": "2026-12-31"}
    answer = scene.world.call("POST", "/people/new", scene.reader("tr"), form=form)
    assert answer.status == 422
    assert_sound(answer.body, "tr")
    page = parse(answer.body)
    assert page.get_element_by_id("name").get("value") == "Ayşe Demir"
    assert page.get_element_by_id("until").get("value") == "2026-12-31"
    assert page.xpath("//select[@id='language']/option[@selected]/@value") == ["el"]
    links = page.xpath("//*[@id='error-summary']//a/@href")
    assert links == ["#email", "#roles"]
    assert "En az bir rol verin." in answer.body


def test_people_are_invited_changed_and_removed_by_form(scene: Scene) -> None:
    owner = scene.reader("tr")
    form = {
        "name": "Ayşe Demir",
        "email": "ayse@ornek.example",
        "roles": "viewer",
        "language": "tr",
    }
    done = scene.world.call("POST", "/people/new", owner, form=form)
    assert done.location == "/people?done=invited"
    again = scene.world.call("POST", "/people/new", owner, form=form)
    assert again.status == 422
    assert "Bu kişi zaten şirkette." in again.body
    path = f"/people/{scene.invited}"
    change = {"roles": "finance", "version": "1", "until": ""}
    assert scene.world.call("POST", path, owner, form=change).location == f"{path}?done=changed"
    stale = scene.world.call("POST", path, owner, form=change)
    assert stale.status == 412
    none = scene.world.call("POST", path, owner, form={"version": "2"})
    assert none.status == 422
    reminded = scene.world.call("POST", f"{path}/invitations", owner, form={})
    assert reminded.location == f"{path}?done=invited"
    removed = scene.world.call("POST", f"{path}/remove", owner, form={})
    assert removed.location == "/people?done=removed"
    assert scene.page(path, "tr").status == 404
    own = f"/people/{scene.company.members['owner'].id}"
    assert "Kendi rollerinizi" in scene.page(own, "tr").body
    assert scene.world.call("POST", f"{own}/remove", owner, form={}).status == 403


def test_a_key_is_shown_on_the_one_page_that_made_it(scene: Scene) -> None:
    owner = scene.reader("tr")
    form = {"name": "Bordro", "scopes": "pensions:*:read", "expires_on": "2026-12-31"}
    made = scene.world.call("POST", "/api-keys", owner, form=form, shows="a key, once")
    assert made.status == 200
    assert_sound(made.body, "tr")
    (secret,) = re.findall(r"kopru_test_[A-Za-z0-9_-]{43}(?=<)", made.body)
    SCANNER.secret(secret)
    listed = scene.page("/api-keys", "tr")
    assert secret not in listed.body
    (key,) = [
        key
        for key in scene.world.app.list_api_keys()(scene.company.context())
        if key.name == "Bordro"
    ]
    revoked = scene.world.call("POST", f"/api-keys/{key.id}/revoke", owner, form={})
    assert revoked.location == "/api-keys?done=revoked"
    wrong = scene.world.call("POST", "/api-keys", owner, form={"name": ""})
    assert wrong.status == 422
    assert_sound(wrong.body, "tr")


# ---------------------------------------------------------------------------- settings


def test_preferences_change_and_one_stays_where_one_was(scene: Scene) -> None:
    owner = scene.reader("tr")
    form = {"language": "el", "return_to": "/people?x=1"}
    done = scene.world.call("POST", "/preferences", owner, form=form)
    assert (done.status, done.location) == (303, "/people?x=1")
    away = {"theme": "dark", "return_to": "https://evil.example"}
    assert scene.world.call("POST", "/preferences", owner, form=away).location == "/"
    person = scene.world.app.read_account()(owner.id).person
    assert (person.language, person.theme) == ("el", "dark")
    assert scene.world.call("POST", "/preferences", owner, form={"language": "x"}).status == 422
    assert scene.world.call("POST", "/preferences", form=form).status == 303


def test_the_company_is_changed_by_its_owner(scene: Scene) -> None:
    owner = scene.reader("tr")
    wrong = scene.world.call(
        "POST", "/settings/company", owner, form={"name": "x\u202ey", "version": "2"}
    )
    assert wrong.status == 422
    assert_sound(wrong.body, "tr")
    form = {"name": "Yeni Ad Ltd", "language": "el", "zone": "Europe/Athens", "version": "2"}
    assert scene.world.call("POST", "/settings/company", owner, form=form).location == (
        "/settings?done=changed"
    )
    clerk = scene.reader("tr", "payroll")
    assert scene.world.call("POST", "/settings/company", clerk, form=form).status == 403
    assert "/settings/company" not in scene.page("/settings", "tr", "payroll").body


def test_switching_needs_a_company_of_ones_own(scene: Scene) -> None:
    cookie = scene.world.sign_in(scene.company.members["owner"])
    digest = scene.world.authorize(cookies=(cookie,))["session_id_hash"]
    owner = scene.reader("tr", session_hash=digest)
    other = scene.world.company("Başka", roles=())
    for tenant_id in (other.id, "", "x"):
        refused = scene.world.call(
            "POST", "/preferences/tenant", owner, form={"tenant_id": tenant_id}
        )
        assert refused.status == 404
    done = scene.world.call(
        "POST", "/preferences/tenant", owner, form={"tenant_id": scene.company.id}
    )
    assert done.location == "/?done=company"


def test_other_sessions_are_ended_and_this_one_stays(scene: Scene) -> None:
    member = scene.company.members["owner"]
    here, there = scene.world.sign_in(member), scene.world.sign_in(member)
    digest = scene.world.authorize(cookies=(here,))["session_id_hash"]
    owner = scene.reader("tr", session_hash=digest)
    page = parse(scene.world.call("GET", "/settings", owner).body)
    assert len(page.xpath("//*[@id='sessions']/tbody/tr")) == 2
    done = scene.world.call("POST", "/settings/sessions", owner, form={})
    assert done.location == "/settings?done=everywhere"
    assert scene.world.authorize(cookies=(here,))["kind"] == "session"
    assert scene.world.authorize(cookies=(there,))["kind"] == "anonymous"


# ---------------------------------------------------------------------------- problems


@pytest.mark.parametrize("language", LANGUAGES)
def test_problem_pages_are_sound_and_say_what_to_do(scene: Scene, language: str) -> None:
    for path, status in (("/nowhere", 404), ("/people/x", 404), ("/jobs/" + CONTRACT, 404)):
        answer = scene.page(path, language, headers={"accept": "text/html"})
        assert answer.status == status
        assert_sound(answer.body, language)
    forbidden = scene.page("/people/new", language, "viewer")
    assert forbidden.status == 403
    assert_sound(forbidden.body, language)
    assert scene.page("/problems/no_such_code", language).status == 404


def test_pages_show_only_what_a_role_may_do(scene: Scene) -> None:
    assert scene.page("/people", "tr", "viewer").status == 403
    assert scene.page("/api-keys", "tr", "payroll").status == 403
    assert "/people/new" in scene.page("/people", "tr").body


def test_a_form_without_its_token_changes_nothing(scene: Scene) -> None:
    owner = scene.reader("tr")
    for path in (
        "/people/new",
        "/api-keys",
        "/settings/company",
        "/preferences",
        f"/incidents/{scene.open_incident}/resolve",
    ):
        answer = scene.world.call("POST", path, owner, form={"csrf_token": "x"})
        assert answer.status == 403, path


def test_rights_of_a_key_are_words_and_its_name_is_no_persons(scene: Scene) -> None:
    page = parse(scene.page("/api-keys", "el").body)
    (table,) = page.xpath("//table")
    assert "workspace:*:*" not in table.text_content()
    assert "Όλα για τις συντάξεις" in table.text_content()
    assert "Ονοματεπώνυμο" not in page.text_content()
    # The right of the key that came with the company is named, and not offered.
    assert not page.xpath("//input[@value='workspace:*:*']")


def test_a_view_is_not_named_like_a_person(scene: Scene) -> None:
    page = parse(scene.page("/views", "el", query={"url": "/jobs"}).body)
    assert "Ονοματεπώνυμο" not in page.text_content()
