"""Settings of the company: tolerances, legal figures, the secret of its sale events (CRD-05)."""

import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, Final

from card_contracts.domain.company import CompanySettings
from card_contracts.pages.kit import Kit, go, use_of, whole_of
from card_contracts.pages.words import Say, words_of
from card_contracts.schemas import CardSettingsIn
from kernel.errors import KopruError, ParseError, ValidationError
from kernel.money import Money
from kernel.parsing import parse_amount_tr
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.fields import parse_model
from webkit.components import Column

SECTION: Final = "card_contracts.settings"
_READ: Final = "card_contracts:settings:read"
_WRITE: Final = "card_contracts:settings:write"
_HERE: Final = "/card-contracts/settings"
_LEGAL: Final = (
    "valid_from",
    "reference_rate",
    "credit_margin",
    "debit_fee",
    "credit_days",
    "debit_days",
    "source",
)
_WHOLE: Final = frozenset({"late_days", "early_days", "joined_days", "credit_days", "debit_days"})
_ADDED: Final = re.compile("^/legal_limits/[0-9]+/")
_AMOUNTS: Final = frozenset({"rounding", "least"})


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the page of settings."""

    def draw(
        request: Request,
        error: KopruError | None = None,
        form: Mapping[str, str] | None = None,
        secret: str = "",
    ) -> Reply:
        use, words = use_of(request), words_of(request)
        say, settings = Say(words), use.store.settings()
        numbers = {row.valid_from: number for number, row in enumerate(settings.limits)}
        return kit.draw(
            request,
            "company/settings.html",
            SECTION,
            error=error,
            settings=settings,
            form=form if form is not None else _form(settings),
            legal=[
                {**asdict(row), "id": str(row.valid_from), "number": numbers.get(row.valid_from)}
                for row in settings.legal_table
            ],
            legal_columns=(
                Column("valid_from", words.text("Valid from")),
                Column("credit", words.text("Credit cards, percent"), numeric=True),
                Column("debit", words.text("Other cards, percent"), numeric=True),
                Column("credit_days", words.text("Days, credit"), numeric=True),
                Column("debit_days", words.text("Days, others"), numeric=True),
                Column("source", words.text("Published in")),
                Column("act", words.text("What to do"), hide_label=True),
            ),
            secret=secret,
            tenant_id=request.tenant.tenant_id,
            entries=[
                say.entry(line, request.principal.id, raw=True)
                for line in reversed(use.store.history("card_settings:company"))
            ],
            may_write=request.principal.may(_WRITE),
        )

    @app.page("GET", _HERE, permission=_READ)
    def show_settings(request: Request) -> Reply:
        """What the company decided, and what is in force."""
        return draw(request)

    @app.page("POST", _HERE, permission=_WRITE)
    def save_settings(request: Request) -> Reply:
        """Change tolerances and legal figures."""
        form, use = request.form(), use_of(request)
        version = whole_of(form.get("version", "0"))
        try:
            stated = _stated(form, use.store.settings())
            wished = parse_model(CardSettingsIn, stated).to_domain()
            use.save_settings()(wished, version if isinstance(version, int) else -1)
        except KopruError as error:
            return draw(request, _placed(error), form)
        return go(_HERE, done="settings")

    @app.page("POST", f"{_HERE}/sale-event-secret", permission=_WRITE)
    def renew_secret(request: Request) -> Reply:
        """Show a new secret for sale events, once."""
        secret = use_of(request).renew_sale_event_secret()()
        return draw(request, secret=secret.reveal("show once"))


def _placed(error: KopruError) -> KopruError:
    """The same error with what concerns the added row at its controls."""
    problems = [replace(one, pointer=_ADDED.sub("/legal/", one.pointer)) for one in error.problems]
    return ValidationError(error.code, error.message, problems=problems) if problems else error


def _form(settings: CompanySettings) -> dict[str, str]:
    """The settings as they are typed."""
    rules, drift = settings.rules, settings.drift
    values: dict[str, Any] = {
        "matching-late_days": rules.late_days,
        "matching-early_days": rules.early_days,
        "matching-joined_days": rules.joined_days,
        "matching-rounding": _typed(rules.rounding),
        "matching-tolerance": rules.tolerance,
        "drift-points": drift.points,
        "drift-least": _typed(drift.least),
    }
    return {name: str(value).replace(".", ",") for name, value in values.items()}


def _typed(minor: int) -> str:
    return Money(minor, "TRY").amount_text


def _stated(form: Mapping[str, str], stored: CompanySettings) -> dict[str, Any]:
    """The form in the shape of the API; rows that stay, and the one that was added last."""
    kept = [
        {name: _shown(getattr(row, name)) for name in _LEGAL}
        for number, row in enumerate(stored.limits)
        if form.get(f"remove-{number}") is None
    ]
    added = _part(form, "legal", _LEGAL)
    if any(str(value).strip() for value in added.values()):
        kept.append(added)
    return {
        "matching": _part(
            form,
            "matching",
            ("late_days", "early_days", "joined_days", "rounding", "tolerance"),
        ),
        "drift": _part(form, "drift", ("points", "least")),
        "legal_limits": kept,
    }


def _shown(value: Any) -> Any:
    return value if isinstance(value, int) else str(value)


def _part(form: Mapping[str, str], part: str, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: _value(name, form.get(f"{part}-{name}", "").strip()) for name in names}


def _value(name: str, text: str) -> Any:
    """One typed value; what cannot be read is refused by the model, at its place."""
    if name in _WHOLE:
        return whole_of(text)
    if name in _AMOUNTS:
        try:
            return parse_amount_tr(text, "TRY").minor
        except ParseError:
            return text
    return text if name in ("valid_from", "source") else text.replace(",", ".")
