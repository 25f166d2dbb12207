"""Figures of a month with both readings and why, and the dated parameters behind them (REC-01)."""

from collections.abc import Mapping
from typing import Any, Final

from kernel.errors import KopruError, Problem, ValidationError
from reconciliation.domain.ledger import Form
from reconciliation.domain.parameters import ParameterRow, in_order
from reconciliation.pages.board import month_chips, month_in
from reconciliation.pages.kit import Kit, go, use_of
from reconciliation.pages.words import FORM, PARAMETER, Say, words_of
from reconciliation.schemas import BabsParameterIn
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.fields import parse_model
from webkit.components import Chip, Column, Option, Paging
from webkit.urls import link

FIGURES: Final = "reconciliation.figures"
_READ: Final = "reconciliation:figure:read"
_WRITE: Final = "reconciliation:parameter:write"
_HERE: Final = "/reconciliation/figures"
_PARAMETERS: Final = "/reconciliation/parameters"
_ROWS: Final = 100
_FIELDS: Final = ("key", "since", "value", "legal_ref")


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of figures and parameters."""

    @app.page("GET", _HERE, permission=_READ)
    def show_figures_page(request: Request) -> Reply:
        """What a form of a month lists, and what all documents say, row by row with its reasons."""
        words, month = words_of(request), month_in(request)
        say = Say(words)
        wish = request.query.get("form", "")
        form = Form(wish) if wish in {one.value for one in Form} else Form.BS
        shown = use_of(request).show_figures()(month, form)
        start = _start(request)
        rows = shown.figures.rows[start : start + _ROWS]
        here = {"period": str(month), "form": form.value}
        following = start + _ROWS if start + _ROWS < len(shown.figures.rows) else None
        return kit.draw(
            request,
            "figures/figures.html",
            FIGURES,
            month=month,
            chips=month_chips(request, _HERE, month, form=form.value),
            form_chips=[
                Chip(
                    say.form(one),
                    link(_HERE, period=str(month), form=one.value),
                    active=one is form,
                )
                for one in FORM
            ],
            shown=shown,
            rows=[
                {
                    "id": row.cards[0],
                    "row": row,
                    "cards": [shown.cards[card] for card in row.cards if card in shown.cards],
                }
                for row in rows
            ],
            listed=sum(row.listed for row in shown.figures.rows),
            columns=(
                Column("title", words.text("Counterparty")),
                Column("listed", words.text("On the form"), numeric=True),
                Column("form", words.text("Documents the form can list"), numeric=True),
                Column("all", words.text("All documents"), numeric=True),
                Column("why", words.text("Why")),
            ),
            export=link(
                f"/v1/reconciliation/periods/{month}/figures/export", form=form.value, format="xlsx"
            ),
            paging=Paging(
                len(rows),
                next_href=link(_HERE, **here, start=str(following)) if following else None,
                first_href=link(_HERE, **here) if start else None,
            ),
        )

    def draw(
        request: Request,
        error: KopruError | None = None,
        form: Mapping[str, Any] | None = None,
    ) -> Reply:
        words, own = words_of(request), use_of(request).store.parameters()
        return kit.draw(
            request,
            "figures/parameters.html",
            FIGURES,
            error=error,
            form={**dict.fromkeys(_FIELDS, ""), **(form or {})},
            version=own.stamp.version,
            rows=[
                {"id": f"{row.key.value}@{row.since}@{row.own}", "row": row}
                for row in in_order(own)
            ],
            names={key: words.text(label) for key, label in PARAMETER.items()},
            keys=[Option(key.value, words.text(label)) for key, label in PARAMETER.items()],
            columns=(
                Column("name", words.text("Parameter")),
                Column("since", words.text("From month")),
                Column("value", words.text("Value")),
                Column("source", words.text("Where it stands")),
                Column("whose", words.text("Whose")),
                Column("act", words.text("What to do"), hide_label=True),
            ),
            may_write=request.principal.may(_WRITE),
        )

    @app.page("GET", _PARAMETERS, permission=_READ)
    def show_parameters(request: Request) -> Reply:
        """What holds from which month on, and where that stands."""
        return draw(request)

    def replaced(request: Request, rows: list[ParameterRow]) -> None:
        version = int(request.form().get("version") or 0)
        use_of(request).save_parameters()(rows, version)

    @app.page("POST", f"{_PARAMETERS}/add", permission=_WRITE)
    def add_parameter(request: Request) -> Reply:
        """Let another value count from a month on."""
        form = request.form()
        stated = {name: form.get(name, "").strip() for name in _FIELDS}
        own = list(use_of(request).store.parameters().rows)
        try:
            row = parse_model(BabsParameterIn, stated).to_domain()
            replaced(request, [*own, row])
        except KopruError as error:
            return draw(request, _of_form(error, len(own)), form)
        return go(_PARAMETERS, done="changed")

    @app.page("POST", f"{_PARAMETERS}/remove", permission=_WRITE)
    def remove_parameter(request: Request) -> Reply:
        """Take one of the company's own values back."""
        form = request.form()
        key, since = form.get("key", ""), form.get("since", "")
        own = use_of(request).store.parameters().rows
        kept = [row for row in own if (row.key.value, str(row.since)) != (key, since)]
        try:
            replaced(request, kept)
        except KopruError as error:
            return draw(request, error)
        return go(_PARAMETERS, done="changed")


def _start(request: Request) -> int:
    text = request.query.get("start", "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0


def _of_form(error: KopruError, number: int) -> KopruError:
    """The same problems at the fields of the form, which is row ``number`` of the document."""
    prefix = f"/items/{number}/"
    problems = [
        Problem("/" + one.pointer.removeprefix(prefix).lstrip("/"), one.code, one.message)
        for one in error.problems
    ]
    return ValidationError(error.code, error.message, problems=problems) if problems else error
