"""Dated parameters: values with their dates and where the law says so (WFL-01)."""

from collections.abc import Mapping
from typing import Any, Final

from kernel.errors import KopruError
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.fields import parse_model
from webkit.components import Column
from webkit.i18n import mark
from workflow.application.record_parameter import Value
from workflow.bootstrap import Workflow
from workflow.domain.rules.bitemporal import in_force
from workflow.domain.rules.parameters import Parameter
from workflow.domain.rules.scope import Scopes
from workflow.pages.kit import Kit, go, use_of
from workflow.pages.rule_words import RuleSay
from workflow.pages.words import words_of
from workflow.schemas import ParameterIn

SECTION: Final = "workflow.parameters"
HERE: Final = "/workflow/parameters"
_READ: Final = "workflow:parameter:read"
_WRITE: Final = "workflow:parameter:write"
_OPTIONAL: Final = ("valid_to", "scope", "legal_ref", "verified_by", "verified_at")
_FIELDS: Final = ("key", "value", "valid_from", *_OPTIONAL)
_DONE: Final[Mapping[str, str]] = {
    "recorded": mark("The value is recorded; what was decided before stays as it is."),
}


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the page of parameters."""

    def draw(request: Request, form: Mapping[str, str], error: KopruError | None = None) -> Reply:
        use, words = use_of(request), words_of(request)
        asked = request.query.get("q", "").strip()
        columns = (
            Column("key", words.text("Parameter")),
            Column("value", words.text("Value"), numeric=True),
            Column("from", words.text("Valid from")),
            Column("to", words.text("Valid until before")),
            Column("scope", words.text("For whom")),
            Column("law", words.text("Where the law says so")),
            Column("verified", words.text("Compared with it by")),
        )
        return kit.draw(
            request,
            "parameters/list.html",
            SECTION,
            done=_DONE,
            error=error,
            say=RuleSay(words, request.tenant.actor),
            rows=_rows(use, asked),
            columns=columns,
            form=form,
            keys=sorted(_known(use)),
            may_write=request.principal.may(_WRITE),
        )

    @app.page("GET", HERE, permission=_READ)
    def show_parameters(request: Request) -> Reply:
        """All values by key, newest first, and a form for one more."""
        today = use_of(request).scope.today.isoformat()
        return draw(request, {"valid_from": today, "key": request.query.get("key", "")})

    @app.page("POST", HERE, permission=_WRITE)
    def record_value(request: Request) -> Reply:
        """Record a value from a date on."""
        form, use = request.form(), use_of(request)
        said: dict[str, Any] = {
            name: form.get(name, "").strip()
            for name in _FIELDS
            if form.get(name, "").strip() or name not in _OPTIONAL
        }
        said["value"] = read_value(said["value"], _known(use).get(said["key"], ()))
        try:
            body = parse_model(ParameterIn, said)
            use.record_parameter()(Value(**body.model_dump()))
        except KopruError as error:
            return draw(request, form, error)
        return go(HERE, done="recorded", q=body.key)


def _known(use: Workflow) -> Mapping[str, Any]:
    return use.scope.shipped.parameters.plus(use.store.parameters()).by_key


def _rows(use: Workflow, asked: str) -> list[dict[str, Any]]:
    scope = use.scope
    now, chain = scope.clock.now(), Scopes().chain
    rows = []
    for key, versions in sorted(_known(use).items()):
        if asked.casefold() not in key.casefold():
            continue
        current = in_force(versions, chain, scope.today, now)
        newest = sorted(versions, key=lambda one: (one.valid_from, one.recorded_at), reverse=True)
        rows += [{"id": one.id, "value": one, "current": one is current} for one in newest]
    return rows


def read_value(text: str, known: tuple[Parameter, ...]) -> Any:
    """A typed value as JSON, of the kind that the parameter has had so far.

    A new parameter: whole numbers are numbers, everything else is text; amounts and rates stand as
    text with a point.
    """
    said = text.strip()
    example = next((one.value for one in reversed(known) if one.value is not None), None)
    if isinstance(example, list):
        kind = type(example[0]) if example else str
        return [_plain(part.strip(), kind) for part in said.split(",")] if said else []
    return _plain(said, None if example is None else type(example))


def _plain(text: str, kind: type | None) -> Any:
    digits = text.removeprefix("-")
    whole = digits.isascii() and digits.isdecimal() and len(digits) < 16
    if kind is bool or (kind is None and text in ("true", "false")):
        return {"true": True, "false": False}.get(text, text)
    if whole and kind in (int, None):
        return int(text)
    # A decimal comma is how amounts are typed in both countries.
    number = digits.replace(",", "", 1).isdecimal() and "," in digits
    return text.replace(",", ".") if number else text
