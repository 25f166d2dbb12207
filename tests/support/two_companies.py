"""Two companies with the same things in all six contexts, for tests that nothing is shared."""

import importlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from kernel.events import Event
from kernel.sensitive import Email, Secret
from payment_codes.domain import rf_reference
from tests.support.all_contexts import AllContexts
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

UNKNOWN: Final = "01JC3V9QJ8Z6T4M2N0P7R5S3XK"
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
ROOT: Final = Path(__file__).parents[2]
CARDS: Final = "/v1/card-contracts"


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
