"""Pages of account cards: who the company reconciles with, and where letters go (REC-01)."""

from collections.abc import Mapping
from typing import Any, Final

from kernel.errors import KopruError, NotFoundError, ValidationError
from reconciliation.application.counterparties import Search
from reconciliation.domain.counterparty import Counterparty
from reconciliation.pages.kit import Kit, go, paging_of, position_in, use_of
from reconciliation.pages.words import LANGUAGES, Say, words_of
from reconciliation.schemas import CounterpartyIn, ReleaseIn
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.fields import parse_model
from webkit.actors import who
from webkit.components import Chip, Column, Option, TimelineEntry
from webkit.urls import link

SECTION: Final = "reconciliation.counterparties"
_READ: Final = "reconciliation:counterparty:read"
_WRITE: Final = "reconciliation:counterparty:write"
_LIFT: Final = "reconciliation:suppression:lift"
_HERE: Final = "/reconciliation/counterparties"
_ROWS: Final = 50
_FIELDS: Final = (
    "code",
    "title",
    "tax_no",
    "national_id",
    "tax_office",
    "emails",
    "language",
)
_REACHABLE: Final = {"yes": True, "no": False}


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of account cards."""

    @app.page("GET", _HERE, permission=_READ)
    def show_counterparties(request: Request) -> Reply:
        """All account cards, oldest first, by any fragment of code or title."""
        use, words = use_of(request), words_of(request)
        text = request.query.get("q", "")[:100]
        reachable = request.query.get("reachable", "")
        after = position_in(request, q=text, reachable=reachable)
        found, following = use.list_counterparties()(
            Search(text, reachable=_REACHABLE.get(reachable)), limit=_ROWS, after=after
        )
        labels = (
            ("", words.text("All")),
            ("yes", words.text("With an address")),
            ("no", words.text("Without an address")),
        )
        return kit.draw(
            request,
            "counterparties/list.html",
            SECTION,
            counterparties=found,
            chips=[
                Chip(label, link(_HERE, q=text, reachable=value), active=value == reachable)
                for value, label in labels
            ],
            may_write=request.principal.may(_WRITE),
            columns=(
                Column("title", words.text("Title")),
                Column("code", words.text("Code")),
                Column("number", words.text("Tax or identity number")),
                Column("emails", words.text("Addresses for letters")),
            ),
            paging=paging_of(request, len(found), following, q=text, reachable=reachable),
        )

    def editor(
        request: Request,
        form: Mapping[str, Any],
        stored: Counterparty | None,
        error: KopruError | None = None,
    ) -> Reply:
        words = words_of(request)
        say = Say(words)
        lines = use_of(request).store.history(f"counterparty:{stored.id}") if stored else []
        return kit.draw(
            request,
            "counterparties/editor.html",
            SECTION,
            error=error,
            form={**dict.fromkeys((*_FIELDS, "email", "note"), ""), **form},
            stored=stored,
            languages=[Option(code, words.text(name)) for code, name in LANGUAGES.items()],
            addresses=[
                (str(email), say.origin(origin))
                for email, origin in zip(stored.fields.emails, stored.origins, strict=True)
            ]
            if stored
            else [],
            silenced=use_of(request).list_silenced()(stored) if stored else [],
            may_lift=request.principal.may(_LIFT),
            entries=[
                TimelineEntry(
                    say.action(line.action),
                    at=say.at(line.at),
                    actor=who(line.actor, request.principal.id, words),
                )
                for line in reversed(lines)
            ],
            may_write=request.principal.may(_WRITE),
        )

    @app.page("GET", f"{_HERE}/new", permission=_WRITE)
    def new_counterparty(request: Request) -> Reply:
        """The empty form."""
        return editor(request, {"language": "tr"}, None)

    @app.page("GET", f"{_HERE}/{{id}}", permission=_READ)
    def show_counterparty_page(request: Request) -> Reply:
        """One account card, to read and to change."""
        stored = use_of(request).store.counterparty(request.id())
        return editor(request, _form_of(stored), stored)

    @app.page("POST", _HERE, permission=_WRITE)
    def save_counterparty(request: Request) -> Reply:
        """Add an account card or change one."""
        form, use = request.form(), use_of(request)
        known = form.get("stored_id", "")
        stored = use.store.counterparty(known) if known else None
        try:
            body = parse_model(CounterpartyIn, _stated(form, stored))
            if problems := body.problems():
                raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)
            if stored is None:
                saved = use.add_counterparty()(body.to_fields())
                return go(f"{_HERE}/{saved.id}", done="added")
            version = int(form.get("version") or 0)
            use.change_counterparty()(stored.id, body.to_fields(), version)
        except NotFoundError:
            raise
        except KopruError as error:
            return editor(request, form, stored, error)
        return go(f"{_HERE}/{stored.id}", done="changed")

    @app.page("POST", f"{_HERE}/{{id}}/remove", permission=_WRITE)
    def remove_counterparty_page(request: Request) -> Reply:
        """Take an account card off the list."""
        stored = use_of(request).store.counterparty(request.id())
        version = int(request.form().get("version") or 0)
        try:
            use_of(request).remove_counterparty()(stored.id, version)
        except NotFoundError:
            raise
        except KopruError as error:
            return editor(request, _form_of(stored), stored, error)
        return go(_HERE, done="removed")

    @app.page("POST", f"{_HERE}/{{id}}/release", permission=_LIFT)
    def release_address(request: Request) -> Reply:
        """Let mails through to a silenced address again."""
        form, use = request.form(), use_of(request)
        stored = use.store.counterparty(request.id())
        stated = {name: form.get(name, "").strip() for name in ("email", "note")}
        try:
            body = parse_model(ReleaseIn, stated)
            use.lift_suppression()(stored.id, body.email, body.note)
        except KopruError as error:
            return editor(request, {**_form_of(stored), **stated}, stored, error)
        return go(f"{_HERE}/{stored.id}", done="let_through")


def _form_of(stored: Counterparty) -> dict[str, Any]:
    fields = stored.fields
    return {
        "code": fields.code,
        "title": fields.title,
        # A person's number stays masked; left as it is, it is kept.
        "tax_no": fields.party.number if len(fields.party.number) == 10 else "",
        "national_id": "",
        "tax_office": fields.tax_office,
        "emails": "\n".join(email.reveal("shown to whoever may read") for email in fields.emails),
        "language": fields.language,
        "version": stored.stamp.version,
    }


def _stated(form: Mapping[str, str], stored: Counterparty | None) -> dict[str, Any]:
    stated: dict[str, Any] = {
        "code": form.get("code", "").strip(),
        "title": form.get("title", "").strip(),
        "tax_office": form.get("tax_office", ""),
        "emails": form.get("emails", "").split(),
        "language": form.get("language", "tr"),
    }
    for name in ("tax_no", "national_id"):
        if value := form.get(name, "").strip():
            stated[name] = value
    party = stored.fields.party if stored is not None else None
    if (
        party is not None
        and len(party.number) == 11
        and not {"tax_no", "national_id"} & set(stated)
    ):
        stated["national_id"] = party.number
    return stated
