"""The bench of payments that belong to no code yet (PAY-03)."""

from collections.abc import Mapping
from typing import Final

from kernel.errors import KopruError, NotFoundError, ParseError, Problem, ValidationError
from kernel.identifiers import rf
from kernel.parsing import parse_amount_tr
from payment_codes.application.split_payment import MAX_PARTS, Part
from payment_codes.application.unmatched import waiting
from payment_codes.domain.payment import CURRENCY
from payment_codes.pages.kit import Kit, go, paging_of, position_in, use_of
from payment_codes.pages.words import words_of
from payment_codes.schemas import ReturnPaymentIn, bank_name
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.fields import parse_model
from webkit.components import Column

SECTION: Final = "payment_codes.unmatched"
_ROWS: Final = 50
_WRITE: Final = "payment_codes:payment:write"


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of the bench."""

    def bench(request: Request, error: KopruError | None = None) -> Reply:
        use, words = use_of(request), words_of(request)
        found, following = use.store.unmatched(limit=_ROWS, after=position_in(request))
        columns = (
            Column("date", words.text("Date")),
            Column("code", words.text("Payment code")),
            Column("bank", words.text("Bank")),
            Column("payer", words.text("Payer")),
            Column("amount", words.text("Amount"), numeric=True),
            Column("reason", words.text("Why it waits")),
            Column("act", words.text("What to do"), hide_label=True),
        )
        return kit.draw(
            request,
            "unmatched/list.html",
            SECTION,
            error=error,
            payments=found,
            banks={
                each.id: bank_name(each.source.bank_code, each.source.bank_name) for each in found
            },
            columns=columns,
            may_change=request.principal.may(_WRITE),
            paging=paging_of(request, len(found), following),
        )

    @app.page("GET", "/payment-codes/unmatched", permission="payment_codes:code:read")
    def show_unmatched(request: Request) -> Reply:
        """Payments that wait for a person, oldest first."""
        return bench(request)

    @app.page("POST", "/payment-codes/unmatched/{id}/assign", permission=_WRITE)
    def assign_payment(request: Request) -> Reply:
        """Book the payment under the code that was typed."""
        use, form = use_of(request), request.form()
        try:
            code = use.store.code_by_rf(rf.compact(form.get("code", "").strip()))
            if code is None:
                problem = Problem("", "code_unknown", "There is no such payment code here.")
                raise ValidationError("code_unknown", problem.message, problems=[problem])
            use.assign_payment()(request.id(), code.id, form.get("note", "")[:200])
        except NotFoundError:
            raise
        except KopruError as error:
            return bench(request, error)
        return go("/payment-codes/unmatched", done="assigned")

    def split_form(
        request: Request, form: Mapping[str, str], error: KopruError | None = None
    ) -> Reply:
        payment = waiting(use_of(request).store.payment(request.id()))
        bank = bank_name(payment.source.bank_code, payment.source.bank_name)
        return kit.draw(
            request,
            "unmatched/split.html",
            SECTION,
            error=error,
            payment=payment,
            bank=bank,
            rows=range(MAX_PARTS),
            form=form,
        )

    @app.page("GET", "/payment-codes/unmatched/{id}/split", permission=_WRITE)
    def show_split(request: Request) -> Reply:
        """A form with one line for each code that gets a part."""
        return split_form(request, {})

    @app.page("POST", "/payment-codes/unmatched/{id}/split", permission=_WRITE)
    def split_payment(request: Request) -> Reply:
        """Book the parts; lines that are left empty count as not there."""
        use, form = use_of(request), request.form()
        parts, problems = [], []
        for number in range(MAX_PARTS):
            code_text = form.get(f"code_{number}", "").strip()
            amount_text = form.get(f"amount_{number}", "").strip()
            if not code_text and not amount_text:
                continue
            code = use.store.code_by_rf(rf.compact(code_text))
            if code is None:
                message = "There is no such payment code here."
                problems.append(Problem(f"/code/{number}", "code_unknown", message))
            try:
                amount = parse_amount_tr(amount_text, CURRENCY)
            except ParseError as error:
                problems.append(Problem(f"/amount/{number}", error.code.lower(), error.message))
                continue
            if code is not None:
                parts.append(Part(code.id, amount))
        try:
            if problems:
                raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)
            use.split_payment()(request.id(), parts, form.get("note", "")[:200])
        except NotFoundError:
            raise
        except KopruError as error:
            return split_form(request, form, error)
        return go("/payment-codes/unmatched", done="split")

    @app.page("POST", "/payment-codes/unmatched/{id}/return", permission=_WRITE)
    def return_payment(request: Request) -> Reply:
        """Note what became of the money."""
        try:
            body = parse_model(ReturnPaymentIn, {"note": request.form().get("note", "")})
            use_of(request).return_payment()(request.id(), body.note)
        except NotFoundError:
            raise
        except KopruError as error:
            return bench(request, error)
        return go("/payment-codes/unmatched", done="returned")
