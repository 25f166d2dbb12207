"""How and when letters leave: settings, runs, and the texts a company released (REC-02)."""

from collections.abc import Mapping
from typing import Any, Final

from kernel.errors import KopruError, NotFoundError
from reconciliation.application.mailings import KIND
from reconciliation.domain.ledger import Form
from reconciliation.domain.letter import Basis
from reconciliation.domain.letter_template import PLACES, STARTING_TEXTS, TemplateState
from reconciliation.domain.mailing import MailingSettings
from reconciliation.pages.board import month_chips, month_in
from reconciliation.pages.kit import Kit, go, use_of, whole_of
from reconciliation.pages.words import BASIS, FORM, LANGUAGES, Say, words_of
from reconciliation.schemas import LetterTextIn, MailingSettingsIn
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.fields import parse_model
from webkit.components import Column, Option

SECTION: Final = "reconciliation.mailing"
_READ: Final = "reconciliation:letter:read"
_SEND: Final = "reconciliation:letter:send"
_SETTINGS: Final = "reconciliation:mailing:write"
_TEMPLATE: Final = "reconciliation:template:write"
_APPROVE: Final = "reconciliation:template:approve"
_HERE: Final = "/reconciliation/mailing"
_TEXTS: Final = "/reconciliation/templates"
_RUNS: Final = 10
_UNTICKED: Final = {"automatic": "", "business_days_only": ""}
_TEXT_FIELDS: Final = (
    "sender_name",
    "sender_tax_no",
    "sender_tax_office",
    "sender_phone",
    "sender_email",
    "sender_address",
)


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of mailing."""

    def draw(
        request: Request, error: KopruError | None = None, form: Mapping[str, Any] | None = None
    ) -> Reply:
        use, words = use_of(request), words_of(request)
        say, month = Say(words), month_in(request)
        settings = use.store.mailing_settings()
        released = {
            one.language for one in use.store.templates() if one.state is TemplateState.APPROVED
        }
        return kit.draw(
            request,
            "mailing/mailing.html",
            SECTION,
            error=error,
            settings=settings,
            form={**_form_of(settings), **(form or {})},
            month=month,
            chips=month_chips(request, _HERE, month),
            forms=[Option(one.value, say.form(one)) for one in FORM],
            bases=[Option(one.value, say.basis(one)) for one in BASIS],
            released=[words.text(LANGUAGES[code]) for code in LANGUAGES if code in released],
            ready=bool(settings.sender.title and released),
            key=use.scope.ids.new(),
            runs=[
                {"id": job.id, "job": job, "counts": say.counts(job.result)}
                for job in use.store.jobs({KIND}, _RUNS)
            ],
            run_columns=(
                Column("at", words.text("When")),
                Column("month", words.text("Month")),
                Column("state", words.text("State")),
                Column("counts", words.text("Result")),
            ),
            may_send=request.principal.may(_SEND),
            may_change=request.principal.may(_SETTINGS),
        )

    @app.page("GET", _HERE, permission=_READ)
    def show_mailing(request: Request) -> Reply:
        """The settings, the latest runs, and the button that sends now."""
        return draw(request)

    @app.page("POST", _HERE, permission=_SETTINGS)
    def save_settings(request: Request) -> Reply:
        """Change the settings."""
        form = request.form()
        try:
            body = parse_model(MailingSettingsIn, _stated(request, form))
            version = int(form.get("version") or 0)
            use_of(request).save_mailing_settings()(body.to_domain(), version)
        except KopruError as error:
            # A box that is not ticked is not sent.
            shown = {**_UNTICKED, **form, "forms": request.form_list("forms")}
            return draw(request, error, shown)
        return go(_HERE, done="changed")

    @app.page("POST", f"{_HERE}/run", permission=_SEND)
    def run_now(request: Request) -> Reply:
        """Make and mail the letters of the month now."""
        use = use_of(request)
        month = month_in(request)
        wanted = [Form(value) for value in request.form_list("run_forms") if value in ("ba", "bs")]
        try:
            use.start_mailing()(month, wanted or list(Form), None)
        except KopruError as error:
            return draw(request, error)
        return go(_HERE, period=str(month), done="started")

    # ------------------------------------------------------------------ texts

    def texts(
        request: Request, error: KopruError | None = None, form: Mapping[str, Any] | None = None
    ) -> Reply:
        use, words = use_of(request), words_of(request)
        wish = request.query.get("language", "tr")
        language = (form or {}).get("language", wish if wish in LANGUAGES else "tr")
        versions = [one for one in use.store.templates() if one.language == language]
        latest = max(versions, key=lambda one: one.version, default=None)
        text = latest.text if latest is not None else STARTING_TEXTS[str(language)]
        return kit.draw(
            request,
            "mailing/templates.html",
            SECTION,
            error=error,
            chosen=str(language),
            languages=[Option(code, words.text(name)) for code, name in LANGUAGES.items()],
            form=form
            or {
                "language": language,
                "subject": text.subject,
                "opening": text.opening,
                "request": text.request,
                "closing": text.closing,
            },
            places=sorted(PLACES),
            versions=sorted(versions, key=lambda one: -one.version),
            columns=(
                Column("version", words.text("Version"), numeric=True),
                Column("subject", words.text("Subject")),
                Column("state", words.text("State")),
                Column("who", words.text("Released by")),
                Column("act", words.text("What to do"), hide_label=True),
            ),
            may_write=request.principal.may(_TEMPLATE),
            may_approve=request.principal.may(_APPROVE),
        )

    @app.page("GET", _TEXTS, permission=_READ)
    def show_templates(request: Request) -> Reply:
        """The letter texts of a language, all versions."""
        return texts(request)

    @app.page("POST", _TEXTS, permission=_TEMPLATE)
    def save_template(request: Request) -> Reply:
        """Write the next version."""
        form = request.form()
        names = ("language", "subject", "opening", "request", "closing")
        try:
            body = parse_model(LetterTextIn, {name: form.get(name, "") for name in names})
            use_of(request).draft_template()(body.language, body.to_domain())
        except KopruError as error:
            return texts(request, error, form)
        return go(_TEXTS, language=body.language, done="changed")

    @app.page("POST", f"{_TEXTS}/{{id}}/approve", permission=_APPROVE)
    def approve(request: Request) -> Reply:
        """Release a version: letters made from now on use it."""
        try:
            saved = use_of(request).approve_template()(request.path_values["id"])
        except NotFoundError:
            raise
        except KopruError as error:
            return texts(request, error)
        return go(_TEXTS, language=saved.language, done="released")


def _form_of(settings: MailingSettings) -> dict[str, Any]:
    sender = settings.sender
    return {
        "starts_day": settings.window.starts_day,
        "ends_day": settings.window.ends_day,
        "business_days_only": "1" if settings.business_days_only else "",
        "automatic": "1" if settings.automatic else "",
        "forms": [form.value for form in settings.forms],
        "basis": settings.basis.value,
        "reminder_days": ", ".join(str(day) for day in settings.reminder_days),
        "answer_days": settings.answer_days,
        "sender_name": sender.title,
        "sender_tax_no": sender.tax_no,
        "sender_tax_office": sender.tax_office,
        "sender_phone": sender.phone,
        "sender_email": sender.email,
        "sender_address": sender.address,
        "version": settings.stamp.version,
    }


def _stated(request: Request, form: Mapping[str, str]) -> dict[str, Any]:
    days = form.get("reminder_days", "").replace(",", " ").split()
    return {
        "starts_day": whole_of(form.get("starts_day", "")),
        "ends_day": whole_of(form.get("ends_day", "")),
        "business_days_only": form.get("business_days_only") == "1",
        "automatic": form.get("automatic") == "1",
        "forms": request.form_list("forms"),
        "basis": form.get("basis", Basis.FORM.value),
        "reminder_days": [whole_of(day) for day in days],
        "answer_days": whole_of(form.get("answer_days", "")),
        **{name: form.get(name, "").strip() for name in _TEXT_FIELDS},
    }
