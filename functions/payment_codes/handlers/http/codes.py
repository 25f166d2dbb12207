"""Issue, find, send, refresh and cancel codes; events of documents (PAY-01, PAY-02, PAY-05)."""

from typing import Any

from kernel.errors import Problem, ValidationError
from payment_codes.application.document_events import wish_of
from payment_codes.application.find_codes import STATUSES, Search, find_codes
from payment_codes.application.issue_code import Wish
from payment_codes.bootstrap import application
from payment_codes.domain.source import Source, SourceKind
from payment_codes.handlers.http.app import app, code_reply, payment_shown, shown, use_of
from payment_codes.schemas import (
    CancelCodeIn,
    CustomerSwitchIn,
    DocumentEventIn,
    PaymentCodeIn,
    SendCodeIn,
    history_out,
    mail_out,
)
from toolkit.entrypoints.http import Reply, Request

_READ = "payment_codes:code:read"
_WRITE = "payment_codes:code:write"


@app.api("POST", "/v1/payment-codes", permission=_WRITE)
def issue_code(request: Request) -> Reply:
    """Issue the code of a document; a document that has one gets the same again."""
    command = request.command()
    body = request.json(PaymentCodeIn)
    use = use_of(request)
    wish = Wish(
        Source(body.source.kind, body.source.id),
        body.customer.value(),
        body.amount,
        body.description,
        body.valid_until,
        body.customer.payment_code_enabled,
    )
    issued = use.issue_code()(wish, command)
    return code_reply(use, issued.code, 201 if issued.created else 200)


@app.api("POST", "/v1/payment-codes/document-events", permission=_WRITE)
def take_document_event(request: Request) -> Reply:
    """Take the news of a document: issue its code when the rule says so, or say why not."""
    command = request.optional_command()
    body = request.json(DocumentEventIn)
    use = use_of(request)
    stated = body.stated()
    decided = use.take_document_event()(stated.event, wish_of(stated), stated.wished, command)
    answer: dict[str, Any] = {
        "issued": decided.code is not None,
        "reason": decided.reason,
        "why": decided.why.to_dict(),
        "code": shown(use, decided.code) if decided.code is not None else None,
    }
    return Reply(answer, 201 if decided.created else 200)


def _search(request: Request) -> Search:
    filters = {
        name: request.query.get(name, "") for name in ("status", "q", "source_kind", "customer_id")
    }
    problems = []
    if filters["status"] and filters["status"] not in STATUSES:
        problems.append(Problem("/status", "choice", "There is no such status."))
    if filters["source_kind"] and filters["source_kind"] not in {k.value for k in SourceKind}:
        problems.append(Problem("/source_kind", "choice", "There is no such kind of document."))
    if problems:
        raise ValidationError("invalid_input", "Some filters are wrong.", problems=problems)
    return Search(filters["status"], filters["q"], filters["source_kind"], filters["customer_id"])


@app.api("GET", "/v1/payment-codes", permission=_READ)
def list_codes(request: Request) -> Reply:
    """Codes, newest first, by any fragment of code, customer or document."""
    use, search = use_of(request), _search(request)
    scope = {
        "tenant_id": request.tenant.tenant_id,
        "route": "/v1/payment-codes",
        "filters": {
            "status": search.status,
            "q": search.query,
            "source_kind": search.source_kind,
            "customer_id": search.customer_id,
        },
        "now": use.scope.clock.now(),
    }
    cursors = application().cursors
    cursor = request.query.get("cursor")
    after = cursors.open(cursor, **scope) if cursor else None  # type: ignore[arg-type]
    limit = request.limit()
    found, following = find_codes(use.store, search, limit=limit, after=after)
    sealed = cursors.seal(following, **scope) if following else None  # type: ignore[arg-type]
    return Reply({"items": [shown(use, code) for code in found], "next_cursor": sealed})


@app.api("GET", "/v1/payment-codes/{id}", permission=_READ)
def show_code(request: Request) -> Reply:
    """One code."""
    use = use_of(request)
    return code_reply(use, use.store.code(request.id()))


@app.api("GET", "/v1/payment-codes/{id}/payments", permission=_READ)
def list_payments(request: Request) -> Reply:
    """Every payment of a code with date, bank, amount and outcome."""
    use = use_of(request)
    code = use.store.code(request.id())
    items = [payment_shown(request, payment) for payment in use.store.payments(code.id)]
    return Reply({"items": items, "next_cursor": None, "total": len(items)})


@app.api("GET", "/v1/payment-codes/payments/{id}", permission=_READ)
def show_payment(request: Request) -> Reply:
    """One payment, wherever it stands: its outcome and why."""
    return Reply(payment_shown(request, use_of(request).store.payment(request.id())))


@app.api("GET", "/v1/payment-codes/{id}/mails", permission=_READ)
def list_mails(request: Request) -> Reply:
    """Every mail with this code and what became of it."""
    use = use_of(request)
    code = use.store.code(request.id())
    items = [mail_out(mail) for mail in use.store.mails(code.id)]
    return Reply({"items": items, "next_cursor": None, "total": len(items)})


@app.api("GET", "/v1/payment-codes/{id}/history", permission=_READ)
def show_history(request: Request) -> Reply:
    """Everything that happened to a code."""
    use = use_of(request)
    code = use.store.code(request.id())
    items = [history_out(line) for line in use.store.history(f"payment_code:{code.id}")]
    return Reply({"items": items, "next_cursor": None})


@app.api("POST", "/v1/payment-codes/{id}/send", permission=_WRITE)
def send_code(request: Request) -> Reply:
    """Mail the code to the customer."""
    command = request.command()
    body = request.json(SendCodeIn)
    use = use_of(request)
    mail_id = use.send_code()(request.id(), command)
    return Reply({"mail_id": mail_id, "channel": body.channel, "status": "queued"}, 202)


@app.api("POST", "/v1/payment-codes/{id}/refresh", permission=_WRITE)
def refresh_code(request: Request) -> Reply:
    """Ask the provider for the payments of this code now."""
    use = use_of(request)
    return code_reply(use, use.refresh_code()(request.id()), 202)


@app.api("POST", "/v1/payment-codes/{id}/cancel", permission=_WRITE)
def cancel_code(request: Request) -> Reply:
    """Cancel a code nobody paid; money that still comes is booked as late."""
    reason = request.json(CancelCodeIn).reason if request.raw_body else ""
    use = use_of(request)
    return code_reply(use, use.cancel_code()(request.id(), reason))


@app.api("PUT", "/v1/payment-codes/customers/{customer_id}", permission=_WRITE)
def switch_customer(request: Request) -> Reply:
    """Switch payment codes on or off for one customer."""
    body = request.json(CustomerSwitchIn)
    customer_id = request.path_values["customer_id"]
    use_of(request).store.switch_customer(customer_id, enabled=body.payment_code_enabled)
    return Reply({"id": customer_id, "payment_code_enabled": body.payment_code_enabled})


@app.api("GET", "/v1/payment-codes/customers/{customer_id}", permission=_READ)
def show_customer(request: Request) -> Reply:
    """The switch of one customer; on unless somebody switched it off."""
    customer_id = request.path_values["customer_id"]
    enabled = use_of(request).store.customer_enabled(customer_id)
    return Reply({"id": customer_id, "payment_code_enabled": enabled is not False})
