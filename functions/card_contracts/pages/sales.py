"""Posted sales: the list, and one sale with its refund and cancellation (CRD-04)."""

from typing import Any, Final

from card_contracts.domain.sale import LineStatus, SaleState
from card_contracts.pages.kit import Kit, amount_of, go, paging_of, position_in, use_of
from card_contracts.pages.settlement import SALES
from card_contracts.pages.words import words_of
from card_contracts.schemas import RefundIn
from kernel.errors import KopruError, NotFoundError
from kernel.money import Money
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.fields import parse_model
from webkit.components import Column, Option
from webkit.i18n import Language, mark

_READ: Final = "card_contracts:sale:read"
_WRITE: Final = "card_contracts:sale:write"
_HERE: Final = "/card-contracts/sales"
_ROWS: Final = 50
_RETURNED: Final = {
    "proportional": mark("The bank gives its share back"),
    "kept": mark("The bank keeps its deductions"),
}


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of sales."""

    @app.page("GET", _HERE, permission=_READ)
    def show_sales(request: Request) -> Reply:
        """Posted sales, newest first."""
        use, words = use_of(request), words_of(request)
        sales, following = use.store.sale_page(limit=_ROWS, after=position_in(request))
        return kit.draw(
            request,
            "sales/list.html",
            SALES,
            sales=sales,
            may_write=request.principal.may(_WRITE),
            columns=(
                Column("document", words.text("Document")),
                Column("sold_on", words.text("Date of sale")),
                Column("contract", words.text("Contract")),
                Column("instalments", words.text("Instalments"), numeric=True),
                Column("amount", words.text("Amount"), numeric=True),
                Column("state", words.text("State")),
            ),
            paging=paging_of(request, len(sales), following),
        )

    def draw(
        request: Request, error: KopruError | None = None, form: dict[str, str] | None = None
    ) -> Reply:
        use, words = use_of(request), words_of(request)
        sale = use.store.sale(request.id())
        lines = use.store.lines_of_sale(sale)
        settled = any(line.status is LineStatus.SETTLED for line in lines)
        left = Money(sale.amount.minor - sale.refunded, sale.amount.currency)
        over = sale.state in (SaleState.CANCELLED, SaleState.REFUNDED)
        may = request.principal.may(_WRITE)
        return kit.draw(
            request,
            "sales/sale.html",
            SALES,
            error=error,
            form=form or {"refunded_on": use.scope.today().isoformat()},
            sale=sale,
            left=left,
            may_refund=may and not over,
            may_cancel=may and sale.state is SaleState.POSTED and not settled,
            returned=[Option(value, words.text(text)) for value, text in _RETURNED.items()],
            rows=[_row(line, words) for line in lines],
            columns=(
                Column("no", words.text("Payment"), numeric=True),
                Column("pay", words.text("Payment date")),
                Column("gross", words.text("Gross"), numeric=True),
                Column("kept", words.text("Deductions"), numeric=True),
                Column("net", words.text("Net"), numeric=True),
                Column("status", words.text("State")),
            ),
            refunds=use.store.refunds(sale.id),
            refund_columns=(
                Column("document", words.text("Document")),
                Column("on", words.text("Date")),
                Column("amount", words.text("Amount"), numeric=True),
            ),
        )

    @app.page("GET", f"{_HERE}/{{id}}", permission=_READ)
    def show_sale_page(request: Request) -> Reply:
        """One sale with its payments and what went back."""
        return draw(request)

    @app.page("POST", f"{_HERE}/{{id}}/refund", permission=_WRITE)
    def refund(request: Request) -> Reply:
        """Post a refund."""
        use, form = use_of(request), request.form()
        sale = use.store.sale(request.id())
        stated = {
            "document_no": form.get("document_no", ""),
            "refunded_on": form.get("refunded_on", ""),
            "amount": amount_of(form.get("amount", ""), sale.amount.currency),
            "deductions": form.get("deductions", ""),
        }
        try:
            use.refund_sale()(sale.id, parse_model(RefundIn, stated).to_fields())
        except NotFoundError:
            raise
        except KopruError as error:
            return draw(request, error, dict(form))
        return go(f"{_HERE}/{sale.id}", done="refunded")

    @app.page("POST", f"{_HERE}/{{id}}/cancel", permission=_WRITE)
    def cancel(request: Request) -> Reply:
        """Cancel a sale of which the bank paid nothing yet."""
        try:
            sale = use_of(request).cancel_sale()(request.id())
        except NotFoundError:
            raise
        except KopruError as error:
            return draw(request, error)
        return go(f"{_HERE}/{sale.id}", done="cancelled")


def _row(line: Any, words: Language) -> dict[str, Any]:
    reasons = dict.fromkeys(words.why(why) for whys in line.whys.values() for why in whys)
    return {
        "why": list(reasons),
        "no": line.no,
        "line": line,
        "gross": Money(line.gross, line.currency),
        "kept": Money(sum(line.deductions.values()), line.currency),
        "net": Money(line.net, line.currency),
    }
