"""Substitutes: who decides for whom, from which day to which."""

from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from kernel.errors import KopruError, ParseError, Problem, ValidationError
from kernel.parsing import parse_date_api
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import Column, Option
from webkit.i18n import mark
from workflow.application.approvals.substitutes import Absence
from workflow.pages.acting import cleaned, person_of
from workflow.pages.kit import Kit, go, use_of
from workflow.pages.task_words import SayTask
from workflow.pages.words import words_of

SECTION: Final = "workflow.delegations"
_READ: Final = "workflow:delegation:read"
_WRITE: Final = "workflow:delegation:write"
_PATH: Final = "/workflow/delegations"
DONE: Final = {
    "made": mark("The substitute is named."),
    "ended": mark("The substitution has ended."),
    "joined": mark("Colleagues can choose you now."),
}


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the page of substitutes."""

    def page(request: Request, error: KopruError | None = None) -> Reply:
        words, use, me = words_of(request), use_of(request), person_of(request)
        people = use.approvals.colleagues()
        columns = (
            Column("person", words.text("Away")),
            Column("substitute", words.text("Substitute")),
            Column("time", words.text("Time")),
            Column("state", words.text("State")),
            Column("end", words.text("End"), hide_label=True),
        )
        return kit.draw(
            request,
            "delegations/list.html",
            SECTION,
            error=error,
            done=DONE,
            say=SayTask(words, people),
            delegations=use.approvals.delegations(),
            columns=columns,
            others=[Option(each.id, each.name) for each in people if each.id != me.id],
            me=me.id,
            joined=any(each.id == me.id for each in people),
            form=request.form() if error is not None else {},
            now=use.approval_scope.now,
        )

    @app.page("GET", _PATH, permission=_READ)
    def show_delegations(request: Request) -> Reply:
        """All substitutions."""
        return page(request)

    @app.page("POST", _PATH, permission=_WRITE)
    def make_delegation(request: Request) -> Reply:
        """Name a substitute for whole days."""
        form = request.form()
        zone = ZoneInfo(request.principal.zone or "Europe/Istanbul")
        try:
            first, last = _days(form)
            absence = Absence(
                form.get("substitute", ""),
                datetime.combine(first, time(0), zone),
                datetime.combine(last + timedelta(days=1), time(0), zone),
                note=cleaned(form, "note")[:300],
            )
            if not absence.substitute.startswith("user:"):
                problem = Problem("/substitute", "required", "Choose a colleague.")
                raise ValidationError("invalid_input", "Some fields are wrong.", problems=[problem])
            use_of(request).make_delegation()(person_of(request), absence)
        except (ValidationError, ParseError) as error:
            return page(request, error)
        return go(_PATH, done="made")

    @app.page("POST", f"{_PATH}/join", permission=_WRITE)
    def join_colleagues(request: Request) -> Reply:
        """Be found by others."""
        use_of(request).join_colleagues()(person_of(request))
        return go(_PATH, done="joined")

    @app.page("POST", f"{_PATH}/{{id}}/end", permission=_WRITE)
    def end_delegation(request: Request) -> Reply:
        """End a substitution."""
        use_of(request).end_delegation()(request.id(), person_of(request))
        return go(_PATH, done="ended")


def _days(form: dict[str, str]) -> tuple[date, date]:
    """First and last day of a form. Raises: ValidationError with both fields."""
    problems: list[Problem] = []
    found: list[date] = []
    for name in ("first", "last"):
        try:
            found.append(parse_date_api(form.get(name, "")))
        except ParseError as error:
            problems.append(error.at(f"/{name}"))
    if not problems and found[1] < found[0]:
        problems.append(Problem("/last", "range", "The last day is before the first."))
    if problems:
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)
    return found[0], found[1]
