"""Figures of a month for Ba and Bs, and the dated parameters behind them (REC-01)."""

from collections.abc import Iterator
from typing import Final

from kernel.files import ExportCell
from kernel.masking import mask_tckn
from reconciliation.bootstrap import application
from reconciliation.domain.figures import FormFigures
from reconciliation.domain.ledger import Form
from reconciliation.handlers.http.app import (
    BASE,
    app,
    choice_of,
    cursor_scope,
    flag_of,
    period_of,
    position_of,
    say_of,
    sealed,
    use_of,
)
from reconciliation.pages.words import FIGURES_HEADER, words_of
from reconciliation.schemas import BabsParametersIn, Say, figures_out, parameters_out
from toolkit.entrypoints.http import Reply, Request, etag
from toolkit.http.files import file_reply

_READ: Final = "reconciliation:figure:read"
_FIGURES: Final = f"{BASE}/periods/{{period}}/figures"
_PARAMETERS: Final = f"{BASE}/parameters"


def _figures(request: Request) -> FormFigures:
    return use_of(request).show_figures()(period_of(request), choice_of(request, "form", Form))


@app.api("GET", _FIGURES, permission=_READ)
def show_figures(request: Request) -> Reply:
    """What a form of a month lists, computed from the lines as they are now.

    ``form`` is ba (purchases) or bs (sales). ``document_count`` and ``total`` are what the form
    says, whole lira; ``form`` inside a row is what it can list and ``all`` every document, both
    exact. ``listed`` narrows the rows.
    """
    listed = flag_of(request, "listed")
    shown = _figures(request)
    rows = [row for row in shown.figures.rows if listed in (None, row.listed)]
    scope = cursor_scope(
        request, _FIGURES, period=str(shown.rules.period), form=shown.form, listed=str(listed)
    )
    start = int((position_of(request, scope) or {}).get("start", 0))
    end = start + request.limit()
    following = {"start": end} if end < len(rows) else None
    body = figures_out(shown, rows[start:end], say_of(request))
    return Reply({**body, "total": len(rows), "next_cursor": sealed(following, scope)})


@app.api("GET", f"{_FIGURES}/export", permission=_READ)
def export_figures(request: Request) -> Reply:
    """The same as a file for people: ``format`` xlsx or csv, one row per counterparty."""
    shown = _figures(request)
    words = words_of(request)
    name = f"{shown.form.value}-{shown.rules.period}"
    header = [words.text(title) for title in FIGURES_HEADER]
    cells = _cells(shown, say_of(request), (words.text("yes"), words.text("no")))
    chosen = request.query.get("format", "xlsx")
    return file_reply(application().table_writer.write(chosen, name, header, cells))


def _cells(
    shown: FormFigures, say: Say, yes_no: tuple[str, str]
) -> Iterator[tuple[ExportCell, ...]]:
    for row in shown.figures.rows:
        cards = [shown.cards[card].fields for card in row.cards if card in shown.cards]
        number = cards[0].party.number if cards else ""
        yield (
            ", ".join(card.code for card in cards),
            cards[0].title if cards else "",
            mask_tckn(number) if len(number) == 11 else number,
            row.listed_documents,
            row.listed_total,
            row.form.documents,
            row.form.total,
            row.all_documents.documents,
            row.all_documents.total,
            yes_no[0 if row.listed else 1],
            " ".join(say(row.why)),
        )


@app.api("GET", _PARAMETERS, permission=_READ)
def list_babs_parameters(request: Request) -> Reply:
    """Dated parameters: what the product knows with where it stands, and the company's own."""
    own = use_of(request).store.parameters()
    return Reply(parameters_out(own), 200, {"etag": etag(own.stamp.version)})


@app.api("PUT", _PARAMETERS, permission="reconciliation:parameter:write")
def save_babs_parameters(request: Request) -> Reply:
    """Replace the company's own values; the version of one that never set any is 0."""
    rows = [item.to_domain() for item in request.json(BabsParametersIn).items]
    own = use_of(request).save_parameters()(rows, request.expected_version())
    return Reply(parameters_out(own), 200, {"etag": etag(own.stamp.version)})
