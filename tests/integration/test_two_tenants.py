"""Two companies: nothing of one can be reached with the key or the session of the other.

Every declared route of every HTTP application is asked with the other company's identifiers, in
every place that takes one: the answer is, byte for byte, the one to an identifier that does not
exist. The answers to everything a company may see of its own are searched for the other's words
and identifiers. Applications and routes are found, not listed: a new context, a new kind of place
or a new route that nothing here reaches is a failure.
"""

import base64
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest

from bench.stack import Company as Client
from bench.stack import StackProcess
from kernel.clock import FixedClock
from tests.budgets.committed import check_committed
from tests.budgets.counts import Count, Counts, counting
from tests.support.all_contexts import all_contexts
from tests.support.aws import AwsWorld
from tests.support.events import (
    Answer,
    http_event,
    invoke,
)
from tests.support.faults import switched_on
from tests.support.payment_world import BASE
from tests.support.pensions_desk import SHOWN, person_body
from tests.support.two_companies import (
    MONTH,
    ROOT,
    ROW,
    UNKNOWN,
    WORDS,
    Side,
    World,
    apps,
    filled,
)
from toolkit.auth import Principal
from toolkit.entrypoints.http import HttpApp
from toolkit.platform import Platform
from webkit.components import View
from webkit.render import PageResponse, Renderer
from workspace.domain.behind import Behind, Place, exchanges_behind, why_behind

SAME_FOR_ALL: Final = frozenset({"/v1/openapi.json"})
"""A committed file. Its examples were recorded in tests, where ids are counted up."""
NUMBERS: Final = ("12345678950", "98765432150")
ORGANISATIONS: Final = ("91234", "95555")
IDENTIFIERS: Final = re.compile(r"\{((?!customer_)(?:[a-z]+_)?id)\}")
# The public routes whose path is a secret, a code of an error or the name of a provider.
BY_SECRET: Final = frozenset({"token", "code", "provider"})
DOORS: Final = ROOT / "tests" / "budgets" / "doors.json"


# Lines of a timeline that lead on, with the context whose reasons or exchanges they lead to.
LEADS_ON: Final = {
    "contribution.added",  # pensions
    "employee.sending",
    "code.registered",  # payment codes
    "payment.unmatched",
    "sale.posted",  # card contracts
    "match.confirmed",
    "letter.drafted",  # reconciliation
    "portal_answer.given",
    "portal_case.compared",
    "approval.submitted",  # workflow
}
# Routes that write and whose path takes no identifier. What a body may name of another company is
# tried in people_of_the_other_company_… and codes_of_the_other_company_…, for matches and lines in
# tests/integration/card_contracts; the others name nothing.
WITHOUT_PLACE: Final = frozenset(
    line.strip()
    for line in """
    POST /api-keys
    POST /card-contracts/bank-lines/look-again
    POST /card-contracts/bank-lines/match
    POST /card-contracts/bank-lines/move
    POST /card-contracts/cash/feed
    POST /card-contracts/contracts
    POST /card-contracts/contracts/{contract_code}/lock
    POST /card-contracts/contracts/{contract_code}/remove
    POST /card-contracts/contracts/{contract_code}/publish
    POST /card-contracts/example
    POST /card-contracts/lists/add
    POST /card-contracts/lists/days
    POST /card-contracts/lists/remove
    POST /card-contracts/matches/decide
    POST /card-contracts/settings
    POST /card-contracts/settings/sale-event-secret
    POST /confirm
    POST /operator/dead-letters/{queue}/redrive
    POST /operator/support
    POST /support-visit/end
    POST /v1/operator/support-grants
    POST /activations/{token}
    POST /forgotten-password
    POST /invitations/{token}
    POST /password-resets/{token}
    POST /task-links/{token}
    POST /payment-codes/new
    POST /payment-codes/organisation
    POST /payment-codes/organisation/notification-secret
    POST /pensions/contracts
    POST /people/new
    POST /preferences
    POST /preferences/tenant
    POST /privacy/erasures
    POST /privacy/exports
    POST /reconciliation/book-events/secret
    POST /reconciliation/counterparties
    POST /reconciliation/mailing
    POST /reconciliation/mailing/run
    POST /reconciliation/parameters/add
    POST /reconciliation/parameters/remove
    POST /reconciliation/templates
    POST /settings/company
    POST /settings/policy
    POST /settings/second-factor
    POST /settings/second-factor/confirm
    POST /settings/second-factor/recovery-codes
    POST /settings/second-factor/remove
    POST /settings/sessions
    POST /sign-in
    POST /sign-in/code
    POST /sign-out
    POST /sign-up
    POST /settings/deadline-feed
    POST /settings/deadline-feed/end
    POST /views
    DELETE /v1/me/deadline-feed
    POST /v1/me/deadline-feed
    POST /v1/views
    POST /v1/api-keys
    POST /v1/card-contracts
    DELETE /v1/card-contracts/bank-accounts/{lookup_code}
    POST /v1/card-contracts/bank-accounts
    PUT /v1/card-contracts/bank-accounts/{lookup_code}
    POST /v1/card-contracts/bank-lines/look-again
    POST /v1/card-contracts/bank-lines/set-aside
    POST /v1/card-contracts/bank-lines/take-back
    POST /v1/card-contracts/calendar-feed
    DELETE /v1/card-contracts/calendars/{calendar}/days/{day}
    PUT /v1/card-contracts/calendars/{calendar}/days/{day}
    DELETE /v1/card-contracts/cards/{lookup_code}
    POST /v1/card-contracts/cards
    PUT /v1/card-contracts/cards/{lookup_code}
    DELETE /v1/card-contracts/deduction-definitions/{lookup_code}
    POST /v1/card-contracts/deduction-definitions
    PUT /v1/card-contracts/deduction-definitions/{lookup_code}
    POST /v1/card-contracts/drafts/plans
    POST /v1/card-contracts/matches
    POST /v1/card-contracts/sales
    POST /v1/card-contracts/sales/imports
    PUT /v1/card-contracts/settings
    POST /v1/card-contracts/settings/sale-event-secret
    POST /v1/card-contracts/statements/imports
    POST /v1/card-contracts/what-if
    DELETE /v1/card-contracts/{contract_code}
    PUT /v1/card-contracts/{contract_code}
    POST /v1/card-contracts/{contract_code}/lock
    POST /v1/card-contracts/{contract_code}/plans
    POST /v1/invitations/accept
    PATCH /v1/me
    DELETE /v1/me/second-factor
    POST /v1/dead-letters/redrive
    POST /v1/me/second-factor
    POST /v1/me/second-factor/confirm
    POST /v1/me/second-factor/recovery-codes
    POST /v1/sessions/current/proof
    POST /v1/sessions/second-factor
    POST /v1/password-resets
    POST /v1/password-resets/complete
    POST /v1/signups
    POST /v1/signups/activate
    POST /v1/payment-codes
    PUT /v1/payment-codes/customers/{customer_id}
    POST /payment-codes/organisation/document-event-secret
    POST /v1/payment-codes/batches
    POST /v1/payment-codes/batches/imports
    POST /v1/payment-codes/document-events
    POST /v1/payment-codes/organisation/document-event-secret
    POST /v1/payment-codes/notifications/{provider}
    PUT /v1/payment-codes/organisation
    POST /v1/payment-codes/organisation/notification-secret
    POST /v1/payment-codes/statements/imports
    POST /v1/pensions/contracts
    POST /v1/privacy/erasures
    POST /v1/privacy/exports
    POST /v1/reconciliation/book-events/secret
    POST /v1/reconciliation/counterparties
    POST /v1/reconciliation/counterparties/imports
    POST /v1/reconciliation/e-invoices
    POST /v1/reconciliation/ledger-entries
    POST /v1/reconciliation/ledger-entries/imports
    POST /v1/reconciliation/letter-templates
    POST /v1/reconciliation/periods/{period}/mailings
    PUT /v1/reconciliation/mailing-settings
    PUT /v1/reconciliation/parameters
    POST /v1/sessions
    DELETE /v1/sessions/current
    POST /v1/tenants
    PATCH /v1/tenants/me
    POST /v1/uploads
    POST /v1/users
    POST /workflow/delegations
    POST /workflow/delegations/join
    POST /workflow/parameters
    POST /workflow/process-definitions/check
    POST /workflow/process-definitions/save
    POST /workflow/rules/check
    POST /workflow/rules/save
    POST /workflow/rules/{key}/decide
    POST /workflow/rules/{key}/try
    POST /workflow/trust/anchors
    POST /workflow/trust/revocation-lists
    POST /workflow/trust/signers
    POST /v1/webhook-endpoints
    POST /workflow/processes/new
    POST /workflow/proposals/look
    POST /v1/workflow/approvals
    POST /v1/workflow/delegations
    POST /v1/workflow/parameters
    POST /v1/workflow/process-definitions
    POST /v1/workflow/processes
    POST /v1/workflow/subjects
    POST /v1/workflow/subjects/imports
    POST /v1/workflow/trigger-runs
    POST /v1/workflow/rules/{key}/evaluate
    POST /v1/workflow/trust/anchors
    POST /v1/workflow/trust/revocation-lists
    POST /v1/workflow/trust/signers
    POST /v1/workflow/tables/{key}/versions
    POST /webhooks
    """.splitlines()
    if line.strip()
)


@pytest.fixture
def world(aws: AwsWorld, platform: Platform, clock: FixedClock, tmp_path: Path) -> Iterator[World]:
    with all_contexts(aws, platform, clock, tmp_path) as of:
        sides = [filled(of, *each) for each in zip(NUMBERS, ORGANISATIONS, strict=True)]
        yield World(of.desk, of.workspace, of.payments, *sides)


def without_trace(answer: Answer) -> tuple[int, str, str]:
    """What is compared of two answers."""
    return answer.status, answer.headers.get("content-type", ""), answer.body


# ---------------------------------------------------------------------------- by identifier


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal as what its page is drawn from, the same for the same, instead of the page: here
    thousands are compared, and drawing them takes longer than all the rest.
    """

    def error(renderer: Renderer, view: View, status: int, **values: Any) -> PageResponse:
        body = repr((renderer.templates, replace(view, csrf_token=None), status, values))
        return PageResponse(status, {"content-type": "text/html; charset=utf-8"}, body)

    monkeypatch.setattr(Renderer, "error", error)


@pytest.mark.parametrize("kind", ["key", "session"])
@pytest.mark.usefixtures("undrawn")
def test_nothing_of_the_other_company_is_reached(world: World, kind: str) -> None:
    """With its key at every route of the API, and with the session of its owner at every page.

    A session reaches the routes of the API with one identifier each, in turn: the use cases are the
    same, only the door is another.
    """
    lists_and_pages_show_only_the_own_company(world, kind)
    an_identifier_of_the_other_company_is_one_that_does_not_exist(world, kind)


def an_identifier_of_the_other_company_is_one_that_does_not_exist(world: World, kind: str) -> None:
    stranger = world.theirs.key if kind == "key" else world.theirs.company.owner
    own_contract = world.theirs.ids["contract"]
    before = world.desk.contents()
    wrong: list[str] = []
    asked = 0
    for number, (app, handler, route) in enumerate(world.routes()):
        places = IDENTIFIERS.findall(route.path)
        if not places or route.permission is None or (kind == "key" and route.kind == "page"):
            continue
        template = IDENTIFIERS.sub("{}", route.path)
        for name, word in WORDS.items():
            template = template.replace(f"{{{name}}}", word)
        assert template.count("{") == len(places), f"{route.path} has a new kind of place"
        foreign = [*world.ours.ids.values()]
        if kind == "session" and route.kind == "api":
            foreign = [foreign[number % len(foreign)]]
        # All places foreign; and, where there are two, an own contract before a foreign item.
        fillings = [(each,) * len(places) for each in foreign] if len(places) == 1 else []
        if len(places) > 1:
            fillings += list(product([world.ours.ids["contract"], own_contract], foreign))
        unfounded: dict[tuple[str, ...], Answer] = {}
        for filling in fillings:
            unknown = tuple(each if each == own_contract else UNKNOWN for each in filling)
            if unknown not in unfounded:
                path = template.format(*unknown)
                unfounded[unknown] = world.ask(app, handler, route, path, stranger)
            expected = unfounded[unknown]
            answer = world.ask(app, handler, route, template.format(*filling), stranger)
            asked += 1
            said = without_trace(answer)
            # Pages repeat the address they were asked for; that is the visitor's own input.
            for given, dummy in zip(filling, unknown, strict=True):
                said = (*said[:2], said[2].replace(given, dummy))
            if said != without_trace(expected):
                wrong.append(f"{route.method} {route.path} {filling}: {answer.status}"
                             f" {answer.body[:160]} instead of {expected.status}")  # fmt: skip
            elif answer.status != (403 if route.permission.startswith("operator:") else 404):
                # What belongs to the operator alone is shut, whichever identifier one names.
                wrong.append(f"{route.method} {route.path}: {answer.status} {answer.body[:160]}")
            if route.kind == "api" and any(each in answer.body for each in filling):
                wrong.append(f"{route.path} repeats the identifier")
            wrong += [
                f"{route.path} names {label}"
                for label, identity in world.ours.ids.items()
                if identity in said[2]
            ]
    assert sorted(set(wrong)) == []
    assert asked > (200 if kind == "key" else 400)
    assert world.desk.contents() == before


def test_what_is_not_reached_by_an_identifier_in_a_path(world: World) -> None:
    """One world for all of these: making two companies takes longer than looking at them."""
    every_route_has_a_place_in_these_tests(world)
    each_company_sees_itself(world)
    timelines_of_the_other_company_are_empty(world)
    what_stands_behind_a_timeline_is_there(world)
    a_file_of_the_other_company_cannot_be_imported(world)
    people_of_the_other_company_cannot_be_named_in_a_body(world)
    codes_of_the_other_company_cannot_be_named_in_a_body(world)
    customers_of_the_same_name_are_two(world)
    a_search_finds_what_is_ones_own(world)
    the_page_of_a_payer_needs_the_whole_token(world)
    mails_speak_of_their_own_company(world)


def every_route_has_a_place_in_these_tests(world: World) -> None:
    """Asked by identifier, asked as a list or page, public by a secret, or listed above."""
    without = {
        f"{route.method} {route.path}"
        for _, _, route in world.routes()
        if route.method != "GET" and not IDENTIFIERS.search(route.path)
    }
    assert without == WITHOUT_PLACE
    places = {
        place
        for _, _, route in world.routes()
        for place in re.findall(r"\{([a-z_]+)\}", route.path)
    }
    identifiers = {place for place in places if place == "id" or place.endswith("_id")}
    assert places - identifiers - set(WORDS) == BY_SECRET


# ---------------------------------------------------------------------------- what one sees


def lists_and_pages_show_only_the_own_company(world: World, kind: str) -> None:
    """Every door of one's own is opened; what each costs is a budget, too."""
    with switched_on(world.desk.clock), counting() as counted:
        doors = opened_doors(world, kind, counted)
    check_committed(DOORS, kind, doors)


def opened_doors(world: World, kind: str, counted: Count) -> dict[str, Counts]:
    """Counts of every door that opens. ``invoke`` fails for a word of the other company;
    identifiers are looked for here.
    """
    stranger = world.theirs.key if kind == "key" else world.theirs.company.owner
    seen = 0
    doors: dict[str, Counts] = {}
    for app, handler, route in world.routes():
        if route.method != "GET" or route.kind != ("api" if kind == "key" else "page"):
            continue
        if set(re.findall(r"\{([a-z_]+)\}", route.path)) & BY_SECRET:
            continue
        template = IDENTIFIERS.sub("{}", route.path)
        for name, word in WORDS.items():
            template = template.replace(f"{{{name}}}", word)
        count = template.count("{}")
        own = world.theirs.ids
        reached = False
        fillings: list[tuple[str, ...]] = [(each,) for each in own.values()] if count else [()]
        if count > 1:
            kind_first = "upload" if "/uploads/" in template else "contract"
            first = own["approval" if "/signed/" in template else kind_first]
            fillings = list(product([first], own.values()))
        for filling in fillings:
            path = template.format(*filling)
            ask = partial(world.ask, app, handler, route, path, stranger)
            if route.path in doors:  # what it costs is known
                answer = ask()
            else:
                answers: list[Answer] = []
                counts = counted(partial(keep_answer, answers, ask), None)
                (answer,) = answers
                if answer.status == 200:
                    doors[route.path] = counts
            assert answer.status < 500, (route.path, answer.body[:300])
            seen += answer.status == 200
            reached |= answer.status != 404
            text = answer.body
            if answer.raw.get("isBase64Encoded"):
                text += base64.b64decode(answer.raw["body"]).decode("utf-8", "replace")
            named = [label for label, each in world.ours.ids.items() if each in text]
            assert named == [] or route.path in SAME_FOR_ALL, (route.path, named)
        # Otherwise the companies have nothing of the kind this route shows: give them one.
        assert reached, f"GET {route.path} shows nothing of its own"
    assert seen >= (25 if kind == "key" else 50)
    return doors


def keep_answer(answers: list[Answer], ask: Callable[[], Answer]) -> None:
    """An act whose answer is looked at after it was counted."""
    answers.append(ask())


def each_company_sees_itself(world: World) -> None:
    """The counterpart: the words and identifiers looked for above do show in the right place."""
    for side in (world.ours, world.theirs):
        world.desk.principal = side.key
        base = f"/v1/pensions/contracts/{side.ids['contract']}"
        assert world.desk.call("GET", base)["contract_code"] == side.word
        people = world.desk.call("GET", f"{base}/employees")["items"]
        assert side.word in json.dumps(people)
        jobs = world.workspace.call("GET", "/v1/jobs", side.key).json()["items"]
        assert {side.ids["import"], side.ids["submission"]} <= {job["id"] for job in jobs}
        for label, path in (("incident", "incidents"), ("message", "messages")):
            found = world.workspace.call("GET", f"/v1/{path}/{side.ids[label]}", side.key)
            assert found.status == 200, label
        answer = world.desk.ask("GET", f"{base}/exports/employees", query={"format": "csv"})
        assert side.word in answer.body


def timelines_of_the_other_company_are_empty(world: World) -> None:
    for label in ("contract", "employee", "contribution"):
        subject = f"{label}:{world.ours.ids[label]}"
        own = world.workspace.call(
            "GET", "/v1/timeline", world.ours.key, query={"subject": subject}
        )
        assert own.json()["items"], label
        stranger = world.workspace.call(
            "GET", "/v1/timeline", world.theirs.key, query={"subject": subject}
        )
        nobody = world.workspace.call(
            "GET", "/v1/timeline", world.theirs.key, query={"subject": f"{label}:{UNKNOWN}"}
        )
        assert (stranger.status, stranger.body.replace(subject, "")) == (
            nobody.status,
            nobody.body.replace(f"{label}:{UNKNOWN}", ""),
        )


def what_stands_behind_a_timeline_is_there(world: World) -> None:
    """Every way to reasons and to raw exchanges ends at something: at the API, and at its page in
    three languages (WSP-02, N2).
    """
    side = world.ours
    begin = re.compile(rf"[a-z]+#T#{side.company.id}#HIST#(.+)")
    behind: dict[tuple[str, Place], tuple[str, Behind]] = {}
    for row in world.desk.aws.rows("core"):
        if (match := begin.fullmatch(row["pk"])) is not None:
            line = match[1], row["action"], row.get("detail", {})
            why = why_behind(*line)
            for each in (*exchanges_behind(*line), *((why,) if why is not None else ())):
                behind.setdefault((row["action"], each.place), (match[1], each))
    wrong = []
    for (action, _), (subject, each) in behind.items():
        query = {"subject": subject}
        told = world.workspace.call("GET", "/v1/timeline", side.key, query=query)
        assert told.status == 200, (subject, action)
        (line, *_) = (one for one in told.json()["items"] if one["type"] == action)
        assert each.route in (line["why"], *line["exchanges"])
        asked = [(each.route, "api", side.key)]
        asked += [
            (each.page, "page", replace(side.company.owner, language=language))
            for language in ("tr", "el", "en")
        ]
        for path, kind, principal in asked:
            if (status := opened(world, path, kind, principal)) != 200:
                wrong.append((action, path, principal.language, status))
    assert wrong == []
    assert {action for action, _ in behind} >= LEADS_ON


def opened(world: World, path: str, kind: str, principal: Principal) -> int:
    """Status of an address that a timeline gives, as its own door answers."""
    for app, handler, route in world.routes():
        shape = IDENTIFIERS.sub("[^/]+", route.path)
        if route.kind == kind and route.method == "GET" and re.fullmatch(shape, path):
            return world.ask(app, handler, route, path, principal).status
    return 404


def a_file_of_the_other_company_cannot_be_imported(world: World) -> None:
    world.desk.principal = world.theirs.key
    base = f"/v1/pensions/contracts/{world.theirs.ids['contract']}/employees/imports"
    before = world.desk.contents()
    foreign = world.desk.ask("POST", base, {"upload_id": world.ours.ids["upload"]})
    unknown = world.desk.ask("POST", base, {"upload_id": UNKNOWN})
    assert (foreign.status, foreign.body) == (unknown.status, unknown.body)
    assert foreign.status == 404
    for kind in ("counterparties", "ledger-entries"):
        started = [
            invoke_import(world, kind, upload_id)
            for upload_id in (world.ours.ids["upload"], UNKNOWN)
        ]
        assert [answer.status for answer in started] == [404, 404], kind
        assert started[0].body == started[1].body
    for kind in ("statements", "batches"):
        answers = [
            world.payments.call(
                "POST",
                f"{BASE}/{kind}/imports",
                {"upload_id": upload_id},
                principal=world.theirs.key,
            )
            for upload_id in (world.ours.ids["upload"], UNKNOWN)
        ]
        assert [answer.status for answer in answers] == [404, 404], kind
        assert answers[0].body == answers[1].body
    assert world.desk.contents() == before


def invoke_import(world: World, kind: str, upload_id: str) -> Answer:
    """Start an import of books with an uploaded file."""
    (handler,) = [app.handler for app in apps() if app.routes[0].path.startswith("/v1/reconc")]
    path = f"/v1/reconciliation/{kind}/imports"
    event = http_event("POST", path, principal=world.theirs.key, body={"upload_id": upload_id})
    return invoke(handler, event, shows=SHOWN)


def people_of_the_other_company_cannot_be_named_in_a_body(world: World) -> None:
    world.desk.principal = world.theirs.key
    base = f"/v1/pensions/contracts/{world.theirs.ids['contract']}"
    headers = {"idempotency-key": "k9"}
    for path, body in (
        (f"{base}/submissions", lambda who: {"employee_ids": [who]}),
        (f"{base}/contributions", lambda who: {**MONTH, **ROW, "employee_id": who}),
        (
            f"{base}/contributions/calculate",
            lambda who: {**MONTH, "rows": [{**ROW, "employee_id": who}]},
        ),
    ):
        foreign = world.desk.ask("POST", path, body(world.ours.ids["employee"]), headers=headers)
        unknown = world.desk.ask("POST", path, body(UNKNOWN), headers=headers)
        assert (foreign.status, foreign.body) == (unknown.status, unknown.body), path
        assert 400 <= foreign.status < 500


def codes_of_the_other_company_cannot_be_named_in_a_body(world: World) -> None:
    path = f"{BASE}/unmatched/{world.theirs.ids['payment']}/assign"
    answers = [
        world.payments.call("POST", path, {"code_id": each}, principal=world.theirs.key, key=each)
        for each in (world.ours.ids["code"], UNKNOWN)
    ]
    assert without_trace(answers[0]) == without_trace(answers[1])
    assert 400 <= answers[0].status < 500
    page = f"/payment-codes/unmatched/{world.theirs.ids['payment']}/assign"
    form = {"idempotency_key": "k", "code": world.ours.number}
    world.payments.call("POST", page, principal=world.theirs.company.owner, form=form)
    waiting = world.payments.call("GET", f"{BASE}/unmatched", principal=world.theirs.key).json()
    assert [each["state"] for each in waiting["items"]] == ["unmatched"]


def a_search_finds_what_is_ones_own(world: World) -> None:
    """By the word that all things of a company bear, by a name and a code that both have."""
    from workspace.handlers import api

    def search(side: Side, text: str) -> list[tuple[str, str]]:
        event = http_event("GET", "/v1/search", principal=side.key, query={"q": text})
        answer = invoke(api.handler, event, shows=SHOWN)
        assert answer.status == 200, answer.body
        return [(item["kind"], item["id"]) for item in answer.json()["items"]]

    for side, other in ((world.ours, world.theirs), (world.theirs, world.ours)):
        named = search(side, side.word)
        assert {"payment_code", "counterparty", "card_contract", "card_sale"} <= {
            kind for kind, _ in named
        }
        people = search(side, "yilmaz AYSE")
        assert {kind for kind, _ in people} == {"employee"}
        assert search(side, "AXESS-26") == [("card_contract", "AXESS-26")]
        assert search(side, other.word) == []
        foreign = set(other.ids.values())
        assert not {identity for _, identity in (*named, *people)} & foreign


def customers_of_the_same_name_are_two(world: World) -> None:
    path = f"{BASE}/customers/{WORDS['customer_id']}"
    off = {"payment_code_enabled": False}
    assert world.payments.call("PUT", path, off, principal=world.ours.key).status == 200
    shown = [
        world.payments.call("GET", path, principal=side.key).json()["payment_code_enabled"]
        for side in (world.ours, world.theirs)
    ]
    assert shown == [False, True]


def the_page_of_a_payer_needs_the_whole_token(world: World) -> None:
    """It opens without an account and names one company; a token is nothing in parts."""

    def page(token: str) -> Answer:
        return invoke(pay_app().handler, http_event("GET", f"/pay/{token}"), shows=SHOWN)

    ours, theirs = page(world.ours.token), page(world.theirs.token)
    assert (ours.status, theirs.status) == (200, 200)
    assert world.theirs.word not in ours.body
    assert world.ours.word not in theirs.body
    for label, identity in (*world.ours.ids.items(), *world.theirs.ids.items()):
        assert identity not in ours.body + theirs.body, label
    mixed = {
        world.ours.token[:cut] + world.theirs.token[cut:] for cut in range(len(world.ours.token))
    } - {world.ours.token, world.theirs.token}
    assert len(mixed) > 20
    assert {page(token).status for token in mixed} == {404}


def pay_app() -> HttpApp:
    """The application that shows the page of a payer."""
    (found,) = [app for app in apps() if any(r.path == "/pay/{token}" for r in app.routes)]
    return found


def mails_speak_of_their_own_company(world: World) -> None:
    for side, other in ((world.ours, world.theirs), (world.theirs, world.ours)):
        own = [
            mail for mail in world.desk.aws.mails() if side.word.lower() in str(mail["to"]).lower()
        ]
        assert len(own) >= 2, "an invitation and a payment code"
        for mail in own:
            text = json.dumps(mail, ensure_ascii=False)
            assert other.word.lower() not in text.lower()
            assert other.token not in text


# ---------------------------------------------------------------------------- over HTTP


@pytest.mark.slow
@pytest.mark.loopback
def test_a_running_stack_keeps_two_companies_apart(tmp_path: Path) -> None:
    stack = StackProcess(tmp_path / "state")
    with ExitStack() as closing:
        closing.callback(stack.kill)
        running = stack.start()
        operator = str(stack.credentials()["operator_key"])
        ours = Client.opened(running, operator, "Kanarya001Ltd")
        closing.callback(ours.client.close)
        theirs = Client.opened(running, operator, "Serçe A.Ş.")
        closing.callback(theirs.client.close)
        contract_id = ours.contract("garanti")
        base = f"/v1/pensions/contracts/{contract_id}"
        employee = ours.call("POST", f"{base}/employees", person_body(NUMBERS[0])).json()["id"]
        csv = b"tckn;ad\n"
        started = ours.call(
            "POST", f"{base}/employees/imports", content=csv, headers={"content-type": "text/csv"}
        ).json()
        message = ours.call("GET", "/v1/messages").json()["items"]
        theirs.contract("garanti")
        paths = [
            "/v1/pensions/contracts/{}",
            "/v1/pensions/contracts/{}/employees",
            "/v1/pensions/contracts/{}/exports/employees",
            "/v1/pensions/employees/{}",
            "/v1/pensions/imports/{}/corrected-workbook",
            "/v1/jobs/{}",
            "/v1/messages/{}",
            "/v1/incidents/{}",
        ]
        mine = [contract_id, employee, started["id"], *(each["id"] for each in message)]
        for path, identity in product(paths, mine):
            foreign = theirs.ask("GET", path.format(identity))
            unknown = theirs.ask("GET", path.format(UNKNOWN))
            assert foreign.status_code == unknown.status_code == 404, path
            assert problem_of(foreign.json()) == problem_of(unknown.json()), path
        for path in (
            "/v1/pensions/contracts",
            "/v1/jobs",
            "/v1/messages",
            "/v1/events",
            "/v1/today",
        ):
            text = theirs.call("GET", path).text
            assert not any(each in text for each in (*mine, "Kanarya001Ltd")), path
        nobody = theirs.client.get(base, headers={"kopru-tenant": "x"})
        assert nobody.status_code == 401


def problem_of(document: dict[str, Any]) -> dict[str, Any]:
    """A problem without what names the request."""
    return {name: value for name, value in document.items() if name != "trace_id"}
