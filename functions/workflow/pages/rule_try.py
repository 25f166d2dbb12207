"""Trying a rule: facts in, and for every row whether it holds or which condition fails first."""

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from kernel.errors import KopruError, NotFoundError, ParseError, ValidationError
from kernel.parsing import parse_date_api
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.fields import parse_model
from webkit.components import Option
from webkit.i18n import mark
from workflow.application.evaluate_rule import Question
from workflow.application.try_version import Tried
from workflow.domain.rules.facts import Fact, FactType
from workflow.domain.rules.record import why
from workflow.domain.rules.scope import Scopes
from workflow.domain.rules.table import Table
from workflow.pages.kit import Kit, go, use_of
from workflow.pages.rule_words import RuleSay
from workflow.pages.rules import HERE, READ, SECTION, chosen, key_of, title_of
from workflow.pages.words import words_of
from workflow.schemas import ScopesIn

DECIDE: Final = "workflow:decision:write"
_PLACES: Final = ("subscriber", "group", "region")


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the page on which a rule is tried."""

    def draw(
        request: Request,
        form: Mapping[str, str],
        error: KopruError | None = None,
        tried: Tried | None = None,
    ) -> Reply:
        use, words = use_of(request), words_of(request)
        say, key = RuleSay(words, request.tenant.actor), key_of(request)
        version_id = form.get("version") or request.query.get("version", "")
        version = tried.version if tried is not None else chosen(use, key, version_id)
        title = title_of(version.document.get("title") or {}, words.code) or key
        shown: dict[str, Any] = {"tried": None}
        if tried is not None:
            made, table = tried.decision, tried.version.table
            shown = {
                "tried": tried,
                "outcome": say.outcome(made.outcome),
                "result": [
                    (say.name(name), say.value(v)) for name, v in (made.result or {}).items()
                ],
                "derived": [(say.name(name), say.value(v)) for name, v in made.derived.items()],
                "reasons": [say.why(one) for one in why(table, title, made, tried.valid_on)],
            }
        return kit.draw(
            request,
            "rules/try.html",
            SECTION,
            say=say,
            error=error,
            key=key,
            title=title,
            version_id=version_id,
            form=form,
            facts=[_control(fact, say) for fact in version.table.facts.facts.values()],
            places=[(name, words.text(_LABELS[name])) for name in _PLACES],
            may_decide=request.principal.may(DECIDE) and not version_id,
            **shown,
        )

    @app.page("GET", f"{HERE}/{{key}}/try", permission=READ)
    def show_try(request: Request) -> Reply:
        """An empty form for the facts of the table."""
        today = use_of(request).scope.today.isoformat()
        return draw(request, {"valid_on": today, **dict(request.query)})

    @app.page("POST", f"{HERE}/{{key}}/try", permission=READ)
    def try_rule(request: Request) -> Reply:
        """What would be decided; nothing is kept."""
        form, use, key = request.form(), use_of(request), key_of(request)
        try:
            valid_on, scopes = _when(form)
            version = chosen(use, key, form.get("version", ""))
            tried = use.try_version()(
                key,
                read_facts(version.table, form),
                version_id=form.get("version", ""),
                valid_on=valid_on,
                scopes=scopes,
            )
        except KopruError as error:
            return draw(request, form, error)
        return draw(request, form, tried=tried)

    @app.page("POST", f"{HERE}/{{key}}/decide", permission=DECIDE)
    def decide(request: Request) -> Reply:
        """Decide by what is in force, and keep the decision."""
        form, use, key = request.form(), use_of(request), key_of(request)
        try:
            valid_on, scopes = _when(form)
            facts = read_facts(chosen(use, key, "").table, form)
            made = use.evaluate_rule()(Question(key, facts, valid_on, scopes=scopes))
        except NotFoundError:
            raise
        except KopruError as error:
            return draw(request, form, error)
        return go(f"/workflow/decisions/{made.record.id}", done="decided")


_LABELS: Final[Mapping[str, str]] = {
    "subscriber": mark("Subscriber"),
    "group": mark("Group"),
    "region": mark("Region"),
}


def _when(form: Mapping[str, str]) -> tuple[date, Scopes]:
    try:
        valid_on = parse_date_api(form.get("valid_on", "").strip())
    except ParseError as error:
        problems = [error.at("/valid_on")]
        raise ValidationError(
            "invalid_input", "Some fields are wrong.", problems=problems
        ) from None
    said = {name: form[name].strip() for name in _PLACES if form.get(name, "").strip()}
    return valid_on, parse_model(ScopesIn, said).scopes()


# ---------------------------------------------------------------------------- facts


def _control(fact: Fact, say: RuleSay) -> dict[str, Any]:
    """What a fact is asked with."""
    options: list[Option] = []
    if fact.type is FactType.BOOL:
        options = [Option("true", say.value(True)), Option("false", say.value(False))]
    if fact.type is FactType.ENUM:
        options = [Option(value, say.choice(value)) for value in fact.values]
    if options and fact.nullable:
        options.append(Option("null", say.value(None)))
    return {
        "id": f"facts-{fact.name}",
        "label": say.name(fact.name),
        "type": "date" if fact.type is FactType.DATE else "text",
        "mode": "decimal" if fact.type in (FactType.MONEY, FactType.DECIMAL) else None,
        "hint": say.asked(fact),
        "options": options,
    }


def read_facts(table: Table, form: Mapping[str, str]) -> dict[str, Any]:
    """The facts of a posted form as JSON; an empty control is a fact that is not there.

    An empty control of a nullable fact is null: a form cannot say the difference.
    """
    found: dict[str, Any] = {}
    for name, fact in table.facts.facts.items():
        text = form.get(f"facts-{name}", "").strip()
        if text:
            found[name] = _typed(fact, text)
        elif fact.nullable:
            found[name] = None
    return found


def _typed(fact: Fact, text: str) -> Any:
    """A typed text as JSON; one that does not fit stays a text, for the table to refuse."""
    if text == "null" and fact.nullable:
        return None
    if fact.type is FactType.BOOL:
        return {"true": True, "false": False}.get(text, text)
    if fact.type is FactType.INT:
        digits = text.removeprefix("-")
        return int(text) if digits.isdecimal() and digits.isascii() and len(digits) < 16 else text
    if fact.type is FactType.NUMBER:
        try:
            return Decimal(text.replace(",", "."))
        except InvalidOperation:
            return text
    if fact.type in (FactType.MONEY, FactType.DECIMAL) and "." not in text:
        return text.replace(",", ".")
    if fact.type in (FactType.LIST, FactType.ANY):
        return _listed(fact, text)
    return text


def _listed(fact: Fact, text: str) -> Any:
    if text[:1] in ("[", "{"):
        try:
            return json.loads(text)
        except ValueError:
            return text
    if fact.type is FactType.LIST and len(fact.items) == 1:
        return [_typed(fact.items[0], part.strip()) for part in text.split(",")]
    return text
