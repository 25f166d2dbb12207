"""Two companies: nothing of one can be reached with the key or the session of the other.

Every declared route of every HTTP application is asked with the other company's identifiers, in
every place that takes one: the answer is, byte for byte, the one to an identifier that does not
exist. The answers to everything a company may see of its own are searched for the other's words
and identifiers. Applications and routes are found, not listed: a new context, a new kind of place
or a new route that nothing here reaches is a failure.
"""

import base64
import importlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest

from bench.stack import Company as Client
from bench.stack import StackProcess
from kernel.clock import FixedClock
from kernel.events import Event
from kernel.sensitive import Email, Secret
from payment_codes.domain import rf_reference
from tests.budgets.committed import check_committed
from tests.budgets.counts import Count, Counts, counting
from tests.support.all_contexts import AllContexts, all_contexts
from tests.support.aws import AwsWorld
from tests.support.builders import Company, WorkspaceWorld
from tests.support.card_contracts_builders import api_contract, api_sale
from tests.support.cards_world import CardsWorld
from tests.support.events import (
    Answer,
    bus_event,
    http_event,
    invoke,
    queue_event,
    schedule_event,
)
from tests.support.faults import switched_on
from tests.support.lambda_context import LambdaContext
from tests.support.letters_world import PERIOD, SETTINGS, TEXT, LettersDesk
from tests.support.payment_world import BASE, PaymentWorld
from tests.support.pensions_desk import SHOWN, Desk, contract_body, person_body
from tests.support.processes import work
from tests.support.reconciliation_builders import api_counterparty, api_entry, ubl
from tests.support.reconciliation_world import ReconciliationWorld
from tests.support.rule_tables import PURCHASE_AS_WRITTEN
from tests.support.rules_world import RulesWorld
from tests.support.scanner import CANARY_PASSWORD, SCANNER
from tests.support.signers import authority
from tests.support.statements import Move, camt
from toolkit.auth import Principal
from toolkit.entrypoints.http import HttpApp, RouteSpec
from toolkit.http.webhook_signature import headers as signed_headers
from toolkit.http.webhook_signature import key_of
from toolkit.platform import Platform
from webkit.components import View
from webkit.render import PageResponse, Renderer
from workspace.domain.behind import Behind, Place, exchanges_behind, why_behind

UNKNOWN: Final = "01JC3V9QJ8Z6T4M2N0P7R5S3XK"
SAME_FOR_ALL: Final = frozenset({"/v1/openapi.json"})
"""A committed file. Its examples were recorded in tests, where ids are counted up."""
NUMBERS: Final = ("12345678950", "98765432150")
ORGANISATIONS: Final = ("91234", "95555")
MONEY: Final = {"amount": "33030.00", "currency": "TRY"}
# Names in paths that are no identifiers, with a value each that leads to the use case.
WORDS: Final = {
    "period": "2026-05",
    "target": "employees",
    "format": "csv",
    "kind": "employee",
    # A company names its customers itself; both of them have a customer of this name.
    "customer_id": "C-1",
    "key": "approval.purchase_chain",
    "process": "tender",
    "subject_kind": "meter",
    # Contracts and the entries of their lists are named by the company as well.
    "contract_code": "AXESS-26",
    "lookup_code": "AXESS-26",
    "calendar": "TR",
    "day": "2026-07-28",
    "queue": "workspace-send-mail",
}
IDENTIFIERS: Final = re.compile(r"\{((?!customer_)(?:[a-z]+_)?id)\}")
# The public routes whose path is a secret, a code of an error or the name of a provider.
BY_SECRET: Final = frozenset({"token", "code", "provider"})
ROOT: Final = Path(__file__).parents[2]
CARDS: Final = "/v1/card-contracts"
DOORS: Final = ROOT / "tests" / "budgets" / "doors.json"


@dataclass
class Side:
    """One company with something of every kind."""

    company: Company
    word: str
    ids: dict[str, str] = field(default_factory=dict)
    token: str = ""
    number: str = ""

    @property
    def key(self) -> Principal:
        """Its API key."""
        assert self.company.key_principal is not None
        return self.company.key_principal


@dataclass
class World:
    """Both companies and all applications."""

    desk: Desk
    workspace: WorkspaceWorld
    payments: PaymentWorld
    ours: Side
    theirs: Side

    def routes(self) -> Iterator[tuple[HttpApp, Any, RouteSpec]]:
        """Every declared route of every context."""
        for app in apps():
            for route in app.routes:
                yield app, app.handler, route

    def ask(
        self, app: HttpApp, handler: Any, route: RouteSpec, path: str, principal: Principal
    ) -> Answer:
        """One request to a route with all that a right request carries."""
        headers = {"if-match": '"v1"', "idempotency-key": "k1"}
        form = None
        asking = self.ours if principal.tenant_id == self.ours.company.id else self.theirs
        body = BODIES.get(route.function.__name__) if route.kind == "api" else None
        if route.method == "GET":
            body = None
        elif route.kind == "page":
            form = {"csrf_token": app.csrf_token(principal), **FORM, "code": asking.number}
        elif route.function.__name__ == "assign_payment":
            body = {"code_id": asking.ids["code"]}  # the own one: only the payment is foreign
        elif route.kind == "api" and route.function.__name__ == "split_payment":
            body = {"parts": [{"code_id": asking.ids["code"], "amount": MONEY}] * 2}
        if route.kind == "api" and principal.kind == "session":
            headers["x-csrf-token"] = app.csrf_token(principal)
        query = {"year": "2026", "month": "5"} if route.path.endswith("contributions") else {}
        if route.path.startswith("/v1/reconciliation/"):
            query = {"form": "ba", "period": "2026-05"}
        event = http_event(
            route.method, path, principal=principal, body=body, form=form, headers=headers,
            query=query,
        )  # fmt: skip
        return invoke(handler, event, shows=SHOWN)


@cache
def apps() -> tuple[HttpApp, ...]:
    """The application of every context that has one, with the routes of all its functions."""
    found = []
    for home in sorted((ROOT / "functions").glob("*/handlers/http/app.py")):
        handlers = home.parents[1]
        context = handlers.parent.name
        for path in sorted(handlers.glob("*.py")):
            importlib.import_module(f"{context}.handlers.{path.stem}")
        found.append(importlib.import_module(f"{context}.handlers.http.app").app)
    return tuple(found)


FORM: Final = {
    "version": "1",
    "idempotency_key": "k1",
    "note": "elle girildi",
    "confirm": "yes",
    "upload_id": UNKNOWN,
    "decision": "same",
}
MONTH: Final = {"year": 2026, "month": 5}
ROW: Final = {"employee_id": UNKNOWN, "pensionable_earnings": MONEY}
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
BODIES: Final[dict[str, Any]] = {
    "replace_contract": contract_body(),
    "change_contract": {"pay_days": [7]},
    "store_credentials": {"username": "u", "password": "p"},
    "add_contribution": {**MONTH, **ROW},
    "change_contribution": {"paid_on": "2026-06-09"},
    "calculate_contributions": {**MONTH, "rows": [ROW]},
    "import_contributions": {"upload_id": UNKNOWN, **MONTH},
    "import_employees": {"upload_id": UNKNOWN},
    "submit_contributions": MONTH,
    "submit_employees": {"all": True},
    "add_employee": person_body("99000000042"),
    "change_employee": {"last_name": "Öz"},
    "replace_employee": person_body("99000000042"),
    "mark_done_elsewhere": {"note": "elle girildi"},
    "reveal_employee": {"reason": "person_asked"},
    "reveal_exchanges": {"reason": "person_asked"},
    "reveal_code_exchanges": {"reason": "dispute"},
    "refresh_status": {},
    "change_user": {"roles": ["owner"]},
    "resolve_incident": {"note": "tamam"},
    "cancel_job": {},
    "change_webhook_endpoint": {"enabled": False},
    "recover_webhook_endpoint": {"since": "2026-06-01T00:00:00Z"},
    "rotate_webhook_secret": {},
    "invite_again": {},
    "send_code": {"channel": "email"},
    "refresh_code": {},
    "dismiss_refused_event": {"note": "tamam"},
    "dismiss_sale_event": {"note": "tamam"},
    "dismiss_book_event": {"note": "tamam"},
    "decide_mail_matter": {"decision": "given_up", "note": "tamam"},
    "release_silenced_address": {"email": "a@x.example", "note": "tamam"},
    "resolve_difference": {"decision": "same", "note": "tamam"},
    "cancel_code": {},
    "change_counterparty": api_counterparty(),
    "return_payment": {"note": "geri"},
    "send_command": {"command": "PREPARE_REPORT", "data": {}},
    "correct_process": {"event_id": "x", "data": {"tender_no": "I"}, "reason": "x"},
    "cancel_process": {"reason": "x"},
    "accept_proposal": {},
    "dismiss_proposal": {"reason": "x"},
    "withdraw_approval": {},
    "comment_approval": {"text": "tamam"},
    "decide_task": {"outcome": "approve"},
    "return_task": {"stage": 0, "reason": "tamam"},
    "ask_about_task": {"question": "neden"},
    "answer_question": {"answer": "tamam"},
    "delegate_task": {"to": "user:somebody"},
    "reassign_task": {"candidates": ["role:owner"]},
    "simulate_version": {"cases": [{"amount": "1.00"}]},
    "back_test_version": {"from": "2026-01-01", "to": "2026-12-31"},
    "refund_sale": {
        "document_no": "I-1",
        "refunded_on": "2026-06-01",
        "amount": {"amount": "1.00", "currency": "TRY"},
        "deductions": "kept",
    },
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


def filled(of: AllContexts, number: str, organisation: str) -> Side:
    """A company with a contract, people, money, jobs, a file, a mail, an incident, a payment code,
    a payment nobody can place, a card sale under a contract with its lists, and books with an
    account card, a line and an e-invoice.
    """
    desk, workspace, payments = of.desk, of.workspace, of.payments
    cards, rules, books = of.cards, of.rules, of.books
    company = workspace.company()
    side = Side(company, SCANNER.canary(company.id))
    desk.principal = side.key
    base = desk.contract("garanti", contract_code=side.word)
    person = person_body(number, email=f"{side.word}@ornek.example")
    made = desk.call("POST", f"{base}/employees", person)
    item = desk.call("POST", f"{base}/contributions", {**MONTH, **ROW, "employee_id": made["id"]})
    csv = (
        "tckn;ad;soyad;dogum_tarihi;cep;eposta;ise_giris_tarihi\n"
        f"12345678901;Ali;Er;01.02.1990;05321234567;{side.word}@ornek.example;01.03.2024\n"
    ).encode()
    job = desk.imported(base, "employees", csv, "text/csv")
    sent = desk.command(f"{base}/submissions", {"all": True})
    upload = workspace.call(
        "POST",
        "/v1/uploads",
        side.key,
        body={"filename": "p.csv", "content_type": "text/csv", "size": len(csv)},
    ).json()
    assert f"T/{company.id}/" in json.dumps(upload)
    put = upload["fields"]["key"]
    desk.aws.client("s3").put_object(Bucket="kopru-test-files", Key=put, Body=csv)
    guest = {"email": f"guest@{side.word.lower()}.example", "name": "Davetli Kişi"}
    invited = workspace.call("POST", "/v1/users", company.owner, body={**guest, "roles": ["owner"]})
    assert invited.status == 201, invited.body
    payment, code = paid(payments, side, organisation)
    statement, line = imported_statement(payments, side, code)
    batch, refused = imported_batch(payments, side), refused_event(payments, side)
    sale = sold(cards, side)
    version, decision = ruled(rules, side)
    flow = processed(rules, side)
    approval, delegation = asked(rules, side)
    account = booked(books, side)
    project(desk, company.id, side.word)
    workspace.run_mail()
    view = {"name": side.word, "url": f"/jobs?q={side.word}", "shared": True}
    saved = workspace.call("POST", "/v1/views", company.owner, body=view).json()
    incidents = workspace.call("GET", "/v1/incidents", side.key).json()["items"]
    messages = workspace.call("GET", "/v1/messages", side.key).json()["items"]
    keys = workspace.call("GET", "/v1/api-keys", company.owner).json()["items"]
    assert incidents, "the incident is not listed"
    assert messages, "the mail is not listed"
    assert keys, "the key is not listed"
    side.ids = {
        "rule_version": version,
        "decision": decision,
        "view": saved["id"],
        "support_grant": asked_to_look(workspace, side),
        **flow,
        "approval": approval,
        "delegation": delegation,
        "trust": trusted(rules, side),
        "contract": base.rsplit("/", 1)[-1],
        "employee": made["id"],
        "contribution": item["id"],
        "import": job["id"],
        "submission": sent["id"],
        "transmission": called(desk, company.id),
        "upload": upload["upload_id"],
        "incident": incidents[0]["id"],
        "message": messages[0]["id"],
        "user": company.members["owner"].id,
        "api_key": keys[0]["id"],
        "code": code["id"],
        "payment": payment,
        "statement": statement,
        "line": line,
        "batch": batch,
        "refused": refused,
        "refused_sale": refused_sale(cards, side),
        "sale": sale,
        **matched(cards, side),
        **account,
        **told(workspace, side),
        "seal": sealed(workspace, side),
        "privacy_request": person_asked(workspace, side, number),
    }
    side.number, side.token = code["code"], code["pay_url"].rpartition("/")[2]
    return side


def called(desk: Desk, tenant_id: str) -> str:
    """The call to an insurer that the people of a company were bound to."""
    begin = f"pen#T#{tenant_id}#TRANSMISSION#"
    rows = [row for row in desk.aws.rows("core") if row["pk"].startswith(begin)]
    return str(rows[0]["pk"]).removeprefix(begin)


def paid(payments: PaymentWorld, side: Side, organisation: str) -> tuple[str, dict[str, Any]]:
    """A payment that nobody can place, and a code that was mailed."""

    def call(method: str, path: str, body: Any = None) -> Any:
        answer = payments.call(method, f"{BASE}{path}", body, principal=side.key)
        assert answer.status < 300, (path, answer.body)
        payments.work()
        return answer.json()

    call("PUT", "/organisation", {"org_code": organisation, "provider": "dias", "api_key": "k" * 9})
    customer = {"id": "C-1", "name": side.word, "email": f"{side.word}@customer.example"}
    code = call(
        "POST",
        "",
        {
            "source": {"kind": "repair_order", "id": "RO-1"},
            "customer": customer,
            "amount": {"amount": "1250.00", "currency": "EUR"},
            "description": side.word,
        },
    )
    call("POST", f"/{code['id']}/send", {"channel": "email"})
    payments.pay(rf_reference.encode(organisation, "9" * 14, None).code, "12.00")
    payments.minute()
    (waiting,) = call("GET", "/unmatched")["items"]
    return waiting["id"], code


def imported_statement(payments: PaymentWorld, side: Side, code: dict[str, Any]) -> tuple[str, str]:
    """A bank statement with one line that waits for a person: a debit is taken back."""
    data = camt([Move(500, code["code"], side.word, reversal=True)])
    job = payments.statement(data, principal=side.key)
    differences = payments.call("GET", f"{BASE}/statements/differences", principal=side.key).json()[
        "items"
    ]
    return job["id"], differences[0]["id"]


def sold(cards: CardsWorld, side: Side) -> str:
    """A sale under a contract whose every name says whose it is; a day changed by hand."""

    def call(method: str, path: str, body: Any = None) -> Any:
        answer = cards.call(method, f"{CARDS}{path}", body, principal=side.key)
        assert answer.status < 300, (path, answer.body)
        return answer.json()

    for kind, more in (
        ("cards", {}),
        ("bank-accounts", {"kind": "deposit"}),
        ("deduction-definitions", {"type": "tax"}),
    ):
        call("POST", f"/{kind}", {"code": "AXESS-26", "name": side.word, **more})
    call("POST", "", api_contract("AXESS-26", description=side.word))
    day = {"kind": "working_day", "name": side.word, "source": side.word}
    call("PUT", "/calendars/TR/days/2026-07-28", day)
    account = {"code": "102.01.001", "name": side.word, "kind": "deposit"}
    call("POST", "/bank-accounts", account)
    return str(call("POST", "/sales", api_sale(side.word))["id"])


def ruled(rules: RulesWorld, side: Side) -> tuple[str, str]:
    """A draft of a rule table, a value of a parameter and a decision, all with the own word."""

    def call(path: str, body: Any) -> Any:
        answer = rules.call("POST", path, body, principal=side.key)
        assert answer.status < 300, (path, answer.body)
        return answer.json()

    draft = {**PURCHASE_AS_WRITTEN, "valid_from": "2026-01-01", "note": side.word}
    version = call(f"/tables/{WORDS['key']}/versions", draft)
    value = {"key": "purchase.limit", "value": "900.00", "valid_from": "2026-01-01"}
    call("/parameters", {**value, "legal_ref": side.word})
    question = {"facts": {"amount": "950.00"}, "causation_id": side.word}
    decision = call(f"/rules/{WORDS['key']}/evaluate", question)
    return str(version["id"]), str(decision["id"])


def processed(rules: RulesWorld, side: Side) -> dict[str, str]:
    """A process, a draft of one, a subject and what a run proposes about it, by the own word."""

    def call(method: str, path: str, body: Any = None, **more: Any) -> Any:
        answer = rules.call(method, path, body, principal=side.key, **more)
        assert answer.status < 300, (path, answer.body)
        return answer.json()

    tender = {"definition": "tender", "subject": "tender:I-1", "data": {"tender_no": side.word}}
    process = call("POST", "/processes", tender)
    shipped = call("GET", "/process-definitions/tender.1")["definition"]
    draft = {"key": "tender", "valid_from": "2026-01-01", "note": side.word}
    definition = call("POST", "/process-definitions", {**draft, "definition": shipped})
    meter = {"reference": "S-1", "label": side.word, "facts": {"consecutive_unread": 2}}
    call("POST", "/subjects", {"kind": "meter", "subjects": [meter]})
    run = call("POST", "/trigger-runs")
    file = call(
        "POST",
        "/subjects/imports",
        f"No;Açıklama\r\nS-2;{side.word}\r\n".encode(),
        headers={"content-type": "text/csv"},
        query={"kind": "meter"},
    )
    work(rules)
    subject = call("GET", "/subjects", query={"kind": "meter"})["items"][0]
    return {
        "process": str(process["id"]),
        "process_definition": str(definition["id"]),
        "subject": str(subject["id"]),
        "subject_import": str(file["id"]),
        "run": str(run["id"]),
        "proposal": str(call("GET", "/proposals")["items"][0]["id"]),
    }


def asked(rules: RulesWorld, side: Side) -> tuple[str, str]:
    """An approval that waits and a substitution, both with the own word."""

    def call(path: str, body: dict[str, Any]) -> Any:
        answer = rules.call("POST", path, body, principal=side.key)
        assert answer.status == 201, answer.body
        return answer.json()

    approval = call(
        "/approvals",
        {
            "kind": "purchase",
            "rule": WORDS["key"],
            "subject": "purchase:P-1",
            "facts": {"amount": "950.00"},
            "content": {"title": side.word},
        },
    )
    absence = call(
        "/delegations",
        {
            "substitute": "user:01JXQ60A1B2C3D4E5F6G7H8J9Q",
            "starts_at": "2026-06-01T09:00:00Z",
            "ends_at": "2026-06-02T09:00:00Z",
            "note": side.word,
        },
    )
    return str(approval["id"]), str(absence["id"])


def trusted(rules: RulesWorld, side: Side) -> str:
    """An authority that the company trusts, named after it."""
    body = {"certificate": authority(side.word).pem, "note": side.word}
    answer = rules.call("POST", "/trust/anchors", body, principal=side.key)
    assert answer.status == 201, answer.body
    return str(answer.json()["id"])


def matched(cards: CardsWorld, side: Side) -> dict[str, str]:
    """A statement that pays part of the sale, its match, and a file of one more sale."""

    def imported(path: str, table: str, query: str = "") -> str:
        answer = cards.call(
            "POST",
            f"{CARDS}{path}",
            table.encode(),
            principal=side.key,
            headers={"content-type": "text/csv"},
            query=query,
        )
        assert answer.status == 202, answer.body
        cards.work()
        return str(answer.json()["id"])

    head = "Tarih;Valör;Tutar;Açıklama"
    rows = (f"01.06.2026;01.06.2026;325,34;POS {side.word}", f"02.06.2026;;7,00;{side.word}")
    query = "profile=turkish&bank_account_code=102.01.001"
    statement = imported("/statements/imports", "\r\n".join((head, *rows)), query)
    head = "Belge No;Sözleşme Kodu;Satış Tarihi;Tutar;Taksit Sayısı"
    sales = imported("/sales/imports", f"{head}\r\n{side.word}-2;AXESS-26;28.04.2026;10,00;1")
    found = cards.call("GET", f"{CARDS}/matches", principal=side.key, query="status=confirmed")
    (match,) = found.json()["items"]
    return {"card_statement": statement, "sales_import": sales, "card_match": match["id"]}


def booked(books: ReconciliationWorld, side: Side) -> dict[str, str]:
    """An account card with a line of the asked month, an e-invoice, a parameter of its own, a
    letter that was mailed and answered, and an import with a row that is wrong, so that there is a
    file to correct.
    """

    def call(method: str, path: str, body: Any, **more: Any) -> Any:
        answer = books.call(method, path, body, principal=side.key, **more)
        assert answer.status < 300, (path, answer.body)
        return answer.json()

    emails = [f"{side.word}@books.example"]
    card = call("POST", "/counterparties", api_counterparty(title=side.word, emails=emails))
    call("POST", "/ledger-entries", {"entries": [api_entry(side.word, document_date="2026-05-04")]})
    xml = {"content-type": "application/xml"}
    document = ubl(supplier_name=side.word)
    taken = call("POST", "/e-invoices", document, headers=xml, query="direction=purchase")
    row = {"key": "babs.threshold", "since": "2026-05", "value": "1.00", "legal_ref": side.word}
    call("PUT", "/parameters", {"items": [row]}, headers={"if-match": '"v0"'})
    desk = LettersDesk(books)
    settings = {**SETTINGS, "sender_name": side.word}
    call("PUT", "/mailing-settings", settings, headers={"if-match": '"v0"'})
    text = call("POST", "/letter-templates", {**TEXT, "closing": side.word})
    call("POST", f"/letter-templates/{text['id']}/approve", None)
    key = {"idempotency-key": side.word}
    call("POST", f"/periods/{PERIOD}/mailings", {"all": True}, headers=key)
    assert desk.work() == []
    (letter,) = call("GET", "/letters", None, query=f"period={PERIOD}")["items"]
    assert letter["status"] == "sent"
    said = {"outcome": "disagreed", "name": "Deniz Deneme", "note": side.word, "their_count": 1}
    said |= {"their_total": {"amount": "1.00", "currency": "TRY"}}
    reply = call("POST", f"/letters/{letter['id']}/replies", said)
    statement = f"Tarih;Belge No;Borç\r\n04.05.2026;{side.word};1,00\r\n".encode()
    csv = {"content-type": "text/csv"}
    call("POST", f"/letters/{letter['id']}/statements", statement, headers=csv)
    books.work_portal()
    wrong = f"Cari Kodu;Unvan;VKN\r\n{side.word};{side.word};1\r\n".encode()
    job = call("POST", "/counterparties/imports", wrong, headers=csv)
    books.work()
    return {
        "counterparty": card["id"],
        "e_invoice": taken["id"],
        "letter": letter["id"],
        "letter_mail": letter["mails"][0]["id"],
        "reply": reply["id"],
        "books_import": job["id"],
    }


def told(workspace: WorkspaceWorld, side: Side) -> dict[str, str]:
    """A target of webhooks, a delivery for it, and the event that is delivered."""
    url = f"https://{side.word.lower()}.example/hook"
    target = {"url": url, "events": ["*"], "description": side.word}
    made = workspace.call("POST", "/v1/webhook-endpoints", side.key, body=target, shows="secret")
    assert made.status == 201, made.body
    SCANNER.secret(made.json()["secret"])
    path = f"/v1/webhook-endpoints/{made.json()['id']}/test"
    tried = workspace.call("POST", path, side.key)
    assert tried.status == 202, tried.body
    return {
        "webhook_endpoint": made.json()["id"],
        "webhook_delivery": tried.json()["id"],
        "event": tried.json()["event_id"],
    }


def person_asked(workspace: WorkspaceWorld, side: Side, number: str) -> str:
    """A person of the company asked for a copy; nobody has answered yet."""
    body = {"person": number, "reason": side.word}
    asked = workspace.call("POST", "/v1/privacy/exports", side.key, body=body)
    assert asked.status == 202, asked.body
    return str(asked.json()["id"])


def sealed(workspace: WorkspaceWorld, side: Side) -> str:
    """The seal of today over the audit chains of the company."""
    from workspace.handlers import seal_audit, start_seals

    start_seals.handler(schedule_event(), LambdaContext())
    while bodies := workspace.aws.messages("workspace-seal-audit"):
        for body in bodies:
            answer = seal_audit.handler(queue_event(body), LambdaContext())
            assert answer == {"batchItemFailures": []}
    (seal,) = workspace.call("GET", "/v1/audit/seals", side.key).json()["items"]
    return str(seal["id"])


def imported_batch(payments: PaymentWorld, side: Side) -> str:
    """A file of bills with a row that is wrong, so that there is a file to correct."""
    header = "Αριθμός αξιογράφου;Κωδικός πελάτη;Πελάτης;Ποσό;E-mail"
    content = f"{header}\n{side.word}-1;C-2;{side.word};12,00;\n{side.word}-2;C-2;;x;".encode()
    made = payments.call(
        "POST",
        f"{BASE}/batches/imports",
        content,
        principal=side.key,
        headers={"content-type": "text/csv"},
    )
    assert made.status == 202, made.body
    payments.work()
    return str(made.json()["id"])


def refused_event(payments: PaymentWorld, side: Side) -> str:
    """A signed event of a document that cannot get a code."""
    from payment_codes.handlers import take_document_events

    path = f"{BASE}/organisation/document-event-secret"
    made = payments.call("POST", path, principal=side.key, shows="the new secret").json()
    payload = json.dumps(
        {"kind": "repair_order.ready_for_invoicing", "document": {"id": side.word}}
    )
    stamp = int(payments.clock.now().timestamp())
    key = key_of(Secret(SCANNER.secret(made["secret"])))
    signed = signed_headers(key, "erp-1", stamp, payload.encode())
    body = {"v": 1, "tenant_id": side.company.id, "headers": signed, "payload": payload}
    answer = take_document_events.handler(queue_event(body), LambdaContext())
    assert answer["batchItemFailures"] == []
    listed = payments.call("GET", f"{BASE}/document-events/refused", principal=side.key).json()
    return str(listed["items"][0]["id"])


def refused_sale(cards: CardsWorld, side: Side) -> str:
    """A signed event of a sale that cannot be posted."""
    key = cards.event_key(side.company.id)
    event = {"kind": "sale.cancelled", "document_no": f"{side.word}-0"}
    assert cards.deliver(cards.signed(key, event, tenant=side.company.id))
    listed = cards.call("GET", f"{CARDS}/sale-events/refused", principal=side.key).json()
    return str(listed["items"][0]["id"])


def project(desk: Desk, tenant_id: str, word: str) -> None:
    """Let the workspace hear what the pensions context published, and of an incident."""
    from workspace.handlers import on_events

    incident = Event(
        id=desk.app.platform.ids.new(),
        type="pensions.IncidentOpened.v1",
        source="kopru.pensions",
        time=desk.clock.now(),
        tenant_id=tenant_id,
        subject=f"transmission:{UNKNOWN}",
        data={
            "incident_id": desk.app.platform.ids.new(),
            "subject": f"transmission:{UNKNOWN}",
            "code": "unknown_status",
            "actor": "operator",
            "count": 1,
            "contract_id": UNKNOWN,
            "word": word,
        },
    )
    heard = [each for each in desk.aws.published() if each["source"] != "kopru.workspace"]
    for envelope in [*heard, incident.to_dict()]:
        answer = on_events.handler(
            queue_event(bus_event(envelope)), LambdaContext(remaining_ms=30_000)
        )
        assert answer == {"batchItemFailures": []}


def without_trace(answer: Answer) -> tuple[int, str, str]:
    """What is compared of two answers."""
    return answer.status, answer.headers.get("content-type", ""), answer.body


def asked_to_look(workspace: WorkspaceWorld, side: Side) -> str:
    """An operator asks to look into the company."""
    person = workspace.app.install_operator()(
        email=Email(f"support@{side.word.lower()}.example"),
        name="Destek Kişi",
        language="tr",
        password=Secret(CANARY_PASSWORD),
    )
    made = workspace.app.ask_for_support()(
        person.id, side.company.id, reason="Sayılar tutmuyor", hours=1, correlation_id="test"
    )
    return made.id


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
