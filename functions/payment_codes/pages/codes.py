"""Control screen over all codes, the form that issues one, and the detail of a code (PAY-05)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from kernel.errors import ConflictError, KopruError, ParseError
from kernel.mail_delivery import MailState
from kernel.parsing import parse_amount_tr
from kernel.storing import HistoryLine
from payment_codes.application.context import news_age_seconds
from payment_codes.application.find_codes import STATUSES, Search, find_codes
from payment_codes.application.issue_code import Wish
from payment_codes.domain.payment_code import CodeStatus, Customer, PaymentCode
from payment_codes.domain.source import Source
from payment_codes.pages.kit import (
    Kit,
    command_of,
    go,
    paging_of,
    position_in,
    use_of,
)
from payment_codes.pages.words import SOURCE, Say, action_tone, words_of
from payment_codes.schemas import PaymentCodeIn, bank_name
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.fields import parse_model
from webkit.actors import who
from webkit.components import Chip, Column, Option, TimelineEntry
from webkit.urls import link

SECTION: Final = "payment_codes.codes"
_ROWS: Final = 50
_NEWS_LIMIT: Final = 120
_SILENCED: Final = frozenset({MailState.BOUNCED, MailState.COMPLAINED, MailState.SUPPRESSED})
_READ: Final = "payment_codes:code:read"
_WRITE: Final = "payment_codes:code:write"


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of codes."""

    @app.page("GET", "/payment-codes", permission=_READ)
    def show_codes(request: Request) -> Reply:
        """All codes, newest first, by any fragment of code, customer or document."""
        use, words = use_of(request), words_of(request)
        say = Say(words)
        wish = request.query.get("status", "")
        status = wish if wish in STATUSES else ""
        query = request.query.get("q", "")[:100]
        after = position_in(request, status=status, q=query)
        organisation = use.store.organisation()
        found, following = find_codes(
            use.store, Search(status=status, query=query), limit=_ROWS, after=after
        )
        now = use.scope.clock.now()
        chips = [Chip(words.text("All"), link("/payment-codes", q=query), active=not status)]
        chips += [
            Chip(
                say.status(each).label,
                link("/payment-codes", status=each.value, q=query),
                active=each.value == status,
            )
            for each in CodeStatus
        ]
        columns = (
            Column("code", words.text("Payment code")),
            Column("customer", words.text("Customer and document")),
            Column("amount", words.text("Amount"), numeric=True),
            Column("paid", words.text("Paid"), numeric=True),
            Column("news", words.text("News")),
            Column("status", words.text("State")),
        )
        ages = {
            code.id: news_age_seconds(code, organisation, now)
            for code in found
            if organisation is not None
        }
        return kit.draw(
            request,
            "codes/list.html",
            SECTION,
            codes=found,
            chips=chips,
            columns=columns,
            ages=ages,
            limit=_NEWS_LIMIT,
            organisation=organisation,
            paging=paging_of(request, len(found), following, status=status, q=query),
        )

    # ------------------------------------------------------------------ issue

    def issue_form(
        request: Request, form: Mapping[str, str], error: KopruError | None = None
    ) -> Reply:
        words = words_of(request)
        kinds = [Option(kind, words.text(label)) for kind, label in SOURCE.items()]
        languages = [Option("el", "Ελληνικά"), Option("en", "English"), Option("tr", "Türkçe")]
        use = use_of(request)
        return kit.draw(
            request,
            "codes/new.html",
            SECTION,
            error=error,
            form=form,
            kinds=kinds,
            languages=languages,
            key=form.get("idempotency_key") or use.scope.ids.new(),
        )

    @app.page("GET", "/payment-codes/new", permission=_WRITE)
    def new_code(request: Request) -> Reply:
        """The empty form."""
        return issue_form(request, {"source_kind": "vehicle_order"})

    @app.page("POST", "/payment-codes/new", permission=_WRITE)
    def issue_code(request: Request) -> Reply:
        """Issue a code for a document that a person names."""
        form = request.form()
        try:
            body = parse_model(PaymentCodeIn, _document(form))
            wish = Wish(
                Source(body.source.kind, body.source.id),
                Customer(
                    body.customer.id,
                    body.customer.name,
                    body.customer.email,
                    body.customer.language or "",
                ),
                body.amount,
                body.description,
                body.valid_until,
                None,
            )
            issued = use_of(request).issue_code()(wish, command_of(request))
        except KopruError as error:
            return issue_form(request, form, error)
        done = "issued" if issued.created else "exists"
        return go(f"/payment-codes/{issued.code.id}", done=done)

    # ------------------------------------------------------------------ detail

    def detail(request: Request, code: PaymentCode, error: KopruError | None = None) -> Reply:
        use, words = use_of(request), words_of(request)
        say = Say(words)
        organisation = use.scope.organisation()
        payments, mails = use.store.payments(code.id), use.store.mails(code.id)
        columns = (
            Column("date", words.text("Date")),
            Column("bank", words.text("Bank")),
            Column("payer", words.text("Payer")),
            Column("amount", words.text("Amount"), numeric=True),
            Column("outcome", words.text("Outcome")),
        )
        return kit.draw(
            request,
            "codes/code.html",
            SECTION,
            error=error,
            code=code,
            payments=payments,
            banks={
                each.id: bank_name(each.source.bank_code, each.source.bank_name)
                for each in payments
            },
            columns=columns,
            mail_columns=(
                Column("at", words.text("Asked for")),
                Column("to", words.text("Mail address")),
                Column("state", words.text("State")),
            ),
            organisation=organisation,
            age=news_age_seconds(code, organisation, use.scope.clock.now()),
            limit=_NEWS_LIMIT,
            pay_url=use.pay_link(code.id),
            mails=[(mail, say.at(mail.stamp.created_at)) for mail in reversed(mails)],
            silenced=any(mail.state in _SILENCED for mail in mails),
            entries=entries_of(
                use.store.history(f"payment_code:{code.id}"), say, request.principal.id
            ),
            key=use.scope.ids.new(),
            may_send=code.may_be_told
            and code.customer.email is not None
            and not use.store.is_suppressed(code.customer.email)
            and request.principal.may(_WRITE),
            may_cancel=code.status is not CodeStatus.CANCELLED
            and not code.paid
            and request.principal.may(_WRITE),
            may_refresh=organisation.is_online and request.principal.may(_WRITE),
        )

    @app.page("GET", "/payment-codes/{id}", permission=_READ)
    def show_code(request: Request) -> Reply:
        """One code with its payments and its history."""
        return detail(request, use_of(request).store.code(request.id()))

    @app.page("POST", "/payment-codes/{id}/send", permission=_WRITE)
    def send_code(request: Request) -> Reply:
        """Mail the code to the customer."""
        identity = request.id()
        try:
            use_of(request).send_code()(identity, command_of(request))
        except ConflictError as error:
            return detail(request, use_of(request).store.code(identity), error)
        return go(f"/payment-codes/{identity}", done="mailed")

    @app.page("POST", "/payment-codes/{id}/refresh", permission=_WRITE)
    def refresh_code(request: Request) -> Reply:
        """Ask the provider now ("Update status")."""
        identity = request.id()
        try:
            use_of(request).refresh_code()(identity)
        except ConflictError as error:
            return detail(request, use_of(request).store.code(identity), error)
        return go(f"/payment-codes/{identity}", done="asked")

    @app.page("POST", "/payment-codes/{id}/cancel", permission=_WRITE)
    def cancel_code(request: Request) -> Reply:
        """Cancel a code nobody paid."""
        identity = request.id()
        try:
            use_of(request).cancel_code()(identity, "")
        except ConflictError as error:
            return detail(request, use_of(request).store.code(identity), error)
        return go(f"/payment-codes/{identity}", done="cancelled")


def entries_of(lines: Sequence[HistoryLine], say: Say, reader: str) -> list[TimelineEntry]:
    """A history as a page shows it to a reader, newest first."""
    return [
        TimelineEntry(
            say.action(line.action),
            at=say.at(line.at),
            actor=who(line.actor, reader, say.words),
            tone=action_tone(line.action),
            raw=dict(line.detail) or None,
        )
        for line in reversed(lines)
    ]


def _document(form: Mapping[str, str]) -> dict[str, Any]:
    """A filled form in the shape of the API; what was left empty is absent, and an empty amount is
    an open one.
    """

    def filled(prefix: str, *names: str) -> dict[str, str]:
        return {name: form[prefix + name] for name in names if form.get(prefix + name)}

    document: dict[str, Any] = {
        "source": filled("source_", "kind", "id"),
        "customer": filled("customer_", "id", "name", "email", "language"),
        "amount": _amount(form.get("amount", "")),
        "description": form.get("description", ""),
    }
    if form.get("valid_until"):
        document["valid_until"] = form["valid_until"]
    return document


def _amount(text: str) -> Any:
    if not text.strip():
        return None
    try:
        return parse_amount_tr(text, "EUR").to_api()
    except ParseError:
        return {"amount": text, "currency": "EUR"}  # refused by the model, at its place
