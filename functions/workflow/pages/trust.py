"""What the company trusts when it checks signatures: authorities, revocation lists, signers."""

from collections.abc import Callable
from datetime import date
from typing import Final

from kernel.errors import KopruError, ParseError, ValidationError
from kernel.parsing import parse_date_api
from toolkit.auth import require_fresh
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import Column, Option
from webkit.i18n import mark
from workflow.application.approvals.trust import RecordTrust
from workflow.domain.approvals.signing import IdentityKind, Trust, identity_of
from workflow.pages.acting import cleaned
from workflow.pages.kit import Kit, go, use_of
from workflow.pages.task_words import SayTask
from workflow.pages.words import words_of

SECTION: Final = "workflow.trust"
HERE: Final = "/workflow/trust"
_READ: Final = "workflow:trust:read"
_WRITE: Final = "workflow:trust:write"
DONE: Final = {
    "recorded": mark("It counts from now on."),
    "ended": mark("It is not trusted any more. What was signed before stays as it was."),
    "proved": mark("Thank you. Please send the form again."),
}


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the page of trust."""

    def page(request: Request, error: KopruError | None = None) -> Reply:
        words, use = words_of(request), use_of(request)
        people = use.approvals.colleagues()
        columns = (
            Column("what", words.text("What")),
            Column("label", words.text("Name")),
            Column("from", words.text("Valid from")),
            Column("to", words.text("Valid until before")),
            Column("state", words.text("State")),
            Column("end", words.text("End"), hide_label=True),
        )
        return kit.draw(
            request,
            "trust/list.html",
            SECTION,
            error=error,
            done=DONE,
            say=SayTask(words, people),
            records=use.approvals.trust(),
            columns=columns,
            people=[Option(each.id, each.name) for each in people],
            identity_kinds=[
                Option(IdentityKind.SERIAL_NUMBER.value, words.text("Number in the certificate")),
                Option(IdentityKind.EMAIL.value, words.text("Mail address")),
            ],
            today=use.scope.today,
            form=request.form() if error is not None else {},
        )

    @app.page("GET", HERE, permission=_READ)
    def show_trust(request: Request) -> Reply:
        """Everything that is trusted, and forms for more."""
        return page(request)

    def record(request: Request, do: Callable[[RecordTrust, dict[str, str]], Trust]) -> Reply:
        use = use_of(request)
        require_fresh(request.principal, use.approval_scope.now, HERE)
        try:
            do(use.record_trust(), request.form())
        except KopruError as error:
            return page(request, error)
        return go(HERE, done="recorded")

    @app.page("POST", f"{HERE}/anchors", permission=_WRITE)
    def trust_anchor(request: Request) -> Reply:
        """Trust an authority."""
        return record(
            request,
            lambda use, form: use.anchor(
                form.get("certificate", "").encode(),
                _day(form, "valid_from"),
                _day(form, "valid_to"),
                cleaned(form, "note"),
            ),
        )

    @app.page("POST", f"{HERE}/revocation-lists", permission=_WRITE)
    def take_revocations(request: Request) -> Reply:
        """Take a revocation list."""
        return record(request, lambda use, form: use.revocations(form.get("list", "").encode()))

    @app.page("POST", f"{HERE}/signers", permission=_WRITE)
    def bind_signer(request: Request) -> Reply:
        """Say whose certificate it is."""
        return record(
            request,
            lambda use, form: use.signer(
                form.get("person", ""),
                identity_of(_identity_kind(form), form.get("identity", "")),
                _day(form, "signer_from"),
                None,
                "",
            ),
        )

    @app.page("POST", f"{HERE}/{{id}}/end", permission=_WRITE)
    def end_trust(request: Request) -> Reply:
        """Stop trusting something."""
        use = use_of(request)
        require_fresh(request.principal, use.approval_scope.now, HERE)
        use.end_trust()(request.id())
        return go(HERE, done="ended")


def _identity_kind(form: dict[str, str]) -> IdentityKind:
    mail = form.get("identity_kind") == IdentityKind.EMAIL.value
    return IdentityKind.EMAIL if mail else IdentityKind.SERIAL_NUMBER


def _day(form: dict[str, str], name: str) -> date | None:
    """A day that may be left out. Raises: ValidationError naming the field."""
    if not form.get(name):
        return None
    try:
        return parse_date_api(form[name])
    except ParseError as error:
        raise ValidationError(
            "invalid_input", "Some fields are wrong.", problems=[error.at(f"/{name}")]
        ) from error
