"""Pages of support access: for the company, for operators, and for an operator on a visit."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kernel.errors import ConflictError, ForbiddenError, KopruError, NotFoundError, ValidationError
from toolkit.auth import TenantContext
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import Column, Option, Status, Tone
from webkit.i18n import Language
from webkit.urls import link
from workspace.domain.support import MAX_HOURS, Phase, SupportGrant, SupportView
from workspace.pages.kit import (
    Kit,
    cursor_in,
    needs_proof,
    operator_context,
    paging,
    read_form,
    signed_in,
    status_of,
    use,
)
from workspace.pages.words import redirect, words_of
from workspace.ports import Page
from workspace.schemas import SupportIn

COMPANY: Final = "/support-access"
OPERATOR: Final = "/operator/support"
VISIT: Final = "/support-visit"
_ROWS: Final = 50
_COMPANIES: Final = 200
_TONES: Final = {
    Phase.REQUESTED: Tone.WAITING,
    Phase.GRANTED: Tone.WARNING,
    Phase.LAPSED: Tone.NEUTRAL,
    Phase.ENDED: Tone.NEUTRAL,
    Phase.REFUSED: Tone.NEUTRAL,
    Phase.REVOKED: Tone.NEUTRAL,
}


@dataclass(frozen=True, slots=True)
class Act:
    """A button of a line."""

    path: str
    label: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A grant as the table shows it."""

    id: str
    who: str
    company: str
    reason: str
    hours: int
    asked_at: datetime
    until: datetime | None
    badge: Status
    decided_by: str
    uses: int
    timeline: str
    acts: tuple[Act, ...]


Context = Callable[[Request], TenantContext]
Decide = Callable[[TenantContext, str, str], SupportGrant]


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages."""

    # ------------------------------------------------------------------ lists

    def draw(
        request: Request,
        page: Page[SupportView],
        base: str,
        companies: list[Option],
        error: KopruError | None = None,
    ) -> Reply:
        words = words_of(request)
        operators = base == OPERATOR
        columns = (
            Column("who", words.text("Operator")),
            *((Column("company", words.text("Company")),) if operators else ()),
            Column("reason", words.text("Reason")),
            Column("asked", words.text("Asked")),
            Column("until", words.text("For how long")),
            Column("state", words.text("State")),
            Column("uses", words.text("Looked at")),
            Column("acts", words.text("Actions")),
        )
        values = {
            "base": base,
            "operators": operators,
            "columns": columns,
            "lines": [_line(request, words, each, operators=operators) for each in page.items],
            "paging": paging(request, len(page.items), page.next),
            "companies": companies,
            "form": request.form() if error is not None else {},
            "hours": [
                Option(str(number), words.plural("%(num)s hour", "%(num)s hours", number))
                for number in range(1, MAX_HOURS + 1)
            ],
        }
        section = "operator.support" if operators else "support"
        template = "support/grants.html"
        return kit.draw(request, template, section, values, status=status_of(error), error=error)

    def draw_all(request: Request, error: KopruError | None = None) -> Reply:
        page = use().list_support().of_all(limit=_ROWS, after=cursor_in(request))
        tenants = use().list_tenants()(limit=_COMPANIES, after=None).items
        return draw(request, page, OPERATOR, [Option(t.id, t.name) for t in tenants], error)

    @app.page("GET", COMPANY, permission="workspace:support:read")
    def list_grants(request: Request) -> Reply:
        """Who asked to look into the company, and what came of it."""
        after = cursor_in(request)
        page = use().list_support().of_company(request.tenant, limit=_ROWS, after=after)
        return draw(request, page, COMPANY, [])

    @app.page("GET", OPERATOR, permission="operator:support:read")
    def list_all(request: Request) -> Reply:
        """Grants of all companies, and the form that asks."""
        return draw_all(request)

    @app.page("POST", OPERATOR, permission="operator:support:ask")
    def ask(request: Request) -> Reply:
        """Ask; somebody else decides."""
        person = signed_in(request)
        needs_proof(request, OPERATOR)
        try:
            body = read_form(request, SupportIn, hours=_hours(request))
            use().ask_for_support()(
                person,
                body.tenant_id,
                reason=body.reason,
                hours=body.hours,
                correlation_id=request.correlation_id,
            )
        except (ValidationError, NotFoundError) as error:
            return draw_all(request, error)
        return redirect(link(OPERATOR, done="support_asked"))

    # ------------------------------------------------------------------ decisions

    def decided(request: Request, base: str, context: TenantContext, decide: Decide) -> Reply:
        try:
            decide(context, request.id(), signed_in(request))
        except (ConflictError, ForbiddenError) as error:
            if base == OPERATOR:
                return draw_all(request, error)
            page = use().list_support().of_company(context, limit=_ROWS, after=None)
            return draw(request, page, COMPANY, [], error)
        return redirect(link(base, done="support_decided"))

    def declare_decisions(base: str, permission: str, context: Context) -> None:
        """Approve, refuse, revoke: the same for both sides, apart from whose grants they are."""

        @app.page("POST", f"{base}/{{id}}/approve", permission=permission)
        def approve(request: Request) -> Reply:
            """Let the operator look."""
            needs_proof(request, base)
            return decided(request, base, context(request), use().decide_support().approve)

        @app.page("POST", f"{base}/{{id}}/refuse", permission=permission)
        def refuse(request: Request) -> Reply:
            """Turn the request down."""
            return decided(request, base, context(request), use().decide_support().refuse)

        @app.page("POST", f"{base}/{{id}}/revoke", permission=permission)
        def revoke(request: Request) -> Reply:
            """End it at once."""
            return decided(request, base, context(request), use().decide_support().revoke)

    declare_decisions(COMPANY, "workspace:support:decide", lambda request: request.tenant)
    declare_decisions(
        OPERATOR,
        "operator:support:decide",
        lambda request: _company(request),
    )

    # ------------------------------------------------------------------ the visit

    @app.page("POST", f"{OPERATOR}/{{id}}/enter", permission="operator:support:ask")
    def enter(request: Request) -> Reply:
        """Go to the company's pages."""
        identity = request.id()
        context = _company(request)
        use().visit_company().enter(
            signed_in(request), request.principal.session_hash, identity, context.tenant_id
        )
        return redirect(VISIT)

    @app.page("GET", VISIT, permission="support:visit:read")
    def show_visit(request: Request) -> Reply:
        """Where one is, and the way out."""
        values = {"company": request.principal.tenant_name}
        return kit.draw(request, "support/visit.html", "support.visit", values)

    @app.page("POST", f"{VISIT}/end", permission=None)
    def leave(request: Request) -> Reply:
        """Work for no company again."""
        signed_in(request)
        use().visit_company().leave(request.principal.session_hash)
        return redirect(link(OPERATOR, done="support_left"))


def _hours(request: Request) -> int:
    text = request.form().get("hours", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0


def _line(request: Request, words: Language, view: SupportView, *, operators: bool) -> Line:
    grant = view.grant
    phase = grant.phase(use().platform.clock.now())
    acts = []
    own = grant.operator_id == request.principal.id
    right = "operator:support:decide" if operators else "workspace:support:decide"
    if request.principal.may(right):
        if phase is Phase.REQUESTED and not own:
            acts += [
                Act("approve", words.text("Approve"), "primary"),
                Act("refuse", words.text("Turn down")),
            ]
        if phase is Phase.GRANTED and own and operators:
            acts.append(Act("enter", words.text("Go to the company"), "primary"))
        if phase is Phase.GRANTED:
            acts.append(Act("revoke", words.text("End now"), "danger"))
        elif phase is Phase.REQUESTED and own:
            acts.append(Act("revoke", words.text("Withdraw")))
    names = {
        Phase.REQUESTED: words.text("waiting"),
        Phase.LAPSED: words.text("too old"),
        Phase.GRANTED: words.text("may read now"),
        Phase.ENDED: words.text("over"),
        Phase.REFUSED: words.text("turned down"),
        Phase.REVOKED: words.text("ended early"),
    }
    return Line(
        grant.id,
        view.operator,
        view.company,
        grant.reason,
        grant.hours,
        grant.requested_at,
        grant.until,
        Status(names[phase], _TONES[phase]),
        view.decided_by,
        grant.uses,
        "" if operators else f"/timeline/support_grant/{grant.id}",
        tuple(acts),
    )


def _company(request: Request) -> TenantContext:
    """The company of a grant, for an operator who knows its id; raises NotFoundError."""
    return operator_context(request, use().locate_support()(request.id()))
