"""Work that the time-driven rules propose (WFL-06)."""

from collections.abc import Mapping
from typing import Final

from kernel.errors import ConflictError, KopruError, ValidationError
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import Chip, Column
from webkit.i18n import mark
from workflow.bootstrap import Workflow
from workflow.domain.processes.definition import Field
from workflow.domain.processes.triggers import Proposal, ProposalState
from workflow.pages.fact_forms import controls, typed
from workflow.pages.kit import Kit, go, paging_of, position_in, use_of
from workflow.pages.process_words import ProcessSay
from workflow.pages.words import words_of

SECTION: Final = "workflow.proposals"
READ: Final = "workflow:proposal:read"
DECIDE: Final = "workflow:proposal:decide"
DONE: Final[Mapping[str, str]] = {
    "accepted": mark("Accepted: the work has started."),
    "dismissed": mark("Dismissed; it is not proposed again for this period."),
    "looking": mark("Köprü looks at all subjects now; what it proposes appears here."),
}


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of proposals."""

    @app.page("GET", "/workflow/proposals", permission=READ)
    def show_proposals(request: Request) -> Reply:
        """Proposals to decide, the oldest first, or those that were decided."""
        use, say = use_of(request), ProcessSay(words_of(request))
        is_open = request.query.get("state") != "closed"
        state = "open" if is_open else "closed"
        found, following = use.store.proposals(
            is_open=is_open, limit=50, after=position_in(request, state=state)
        )
        words = say.words
        return kit.draw(
            request,
            "proposals/list.html",
            SECTION,
            done=DONE,
            say=say,
            proposals=found,
            units=use.triggers.units,
            now=use.processes.now,
            columns=(
                Column("what", words.text("Proposed")),
                Column("subject", words.text("About")),
                Column("unit", words.text("Unit")),
                Column("age", words.text("Since")),
                Column("state", words.text("State")),
            ),
            chips=(
                Chip(words.text("To decide"), "/workflow/proposals", active=is_open),
                Chip(
                    words.text("Accepted or dismissed"),
                    "/workflow/proposals?state=closed",
                    active=not is_open,
                ),
            ),
            paging=paging_of(request, len(found), following, state=state),
        )

    @app.page("POST", "/workflow/proposals/look", permission=DECIDE)
    def look(request: Request) -> Reply:
        """Look at all subjects now instead of waiting for the morning."""
        use_of(request).start_run().now()
        return go("/workflow/proposals", done="looking")

    # ------------------------------------------------------------------ one proposal

    def one(
        request: Request,
        form: Mapping[str, str] | None = None,
        error: KopruError | None = None,
    ) -> Reply:
        use, say = use_of(request), ProcessSay(words_of(request))
        found = use.store.proposal(request.id())
        version = use.processes.processes().current(
            found.process, use.scope.today, use.processes.now
        )
        definition = version.definition
        fields = _asked(definition.start, found)
        return kit.draw(
            request,
            "proposals/proposal.html",
            SECTION,
            error=say.refusal(error) if error is not None else None,
            say=say,
            proposal=found,
            unit=say.of(use.triggers.units[found.unit]),
            process=say.of(definition.title),
            known=[
                (say.of(field.label), say.value(field, found.data[field.name]))
                for field in definition.start
                if field.name in found.data
            ],
            controls=controls(fields, say, typed(fields, form or {})),
            reason=(form or {}).get("reason", ""),
            may_decide=found.state is ProposalState.OPEN and request.principal.may(DECIDE),
        )

    @app.page("GET", "/workflow/proposals/{id}", permission=READ)
    def show_proposal(request: Request) -> Reply:
        """What is proposed and why, to accept or to dismiss."""
        return one(request)

    @app.page("POST", "/workflow/proposals/{id}/accept", permission=DECIDE)
    def accept(request: Request) -> Reply:
        """Start the work, or show what it still needs."""
        use, form = use_of(request), request.form()
        fields = _start_fields(use, use.store.proposal(request.id()))
        try:
            done = use.accept_proposal()(request.id(), typed(fields, form))
        except (ValidationError, ConflictError) as error:
            return one(request, form, error)
        return go(f"/workflow/processes/{done.process_id}", done="started")

    @app.page("POST", "/workflow/proposals/{id}/dismiss", permission=DECIDE)
    def dismiss(request: Request) -> Reply:
        """Dismiss with a reason."""
        form = request.form()
        try:
            use_of(request).dismiss_proposal()(request.id(), form.get("reason", ""))
        except (ValidationError, ConflictError) as error:
            return one(request, form, error)
        return go("/workflow/proposals", done="dismissed")


def _start_fields(use: Workflow, proposal: Proposal) -> tuple[Field, ...]:
    version = use.processes.processes().current(
        proposal.process, use.scope.today, use.processes.now
    )
    return _asked(version.definition.start, proposal)


def _asked(start: tuple[Field, ...], proposal: Proposal) -> tuple[Field, ...]:
    """What a process needs to start beside what the proposal knows."""
    return tuple(field for field in start if field.name not in proposal.data)
