"""Evidence: audit chains, their daily seals, and whether both hold."""

from kernel.errors import Problem
from toolkit.entrypoints.http import Reply, Request
from workspace.domain.problems import invalid
from workspace.handlers.http.app import app, cursor_to, list_reply, position_of, use
from workspace.schemas import chain_out, chain_report_out, seal_out


@app.api("GET", "/v1/audit/seals", permission="workspace:audit:verify")
def list_audit_seals(request: Request) -> Reply:
    """Daily seals of the audit chains, newest first; keep their roots where you trust."""
    page = use().list_seals()(request.tenant, limit=request.limit(), after=position_of(request))
    return list_reply(request, page, seal_out)


@app.api("GET", "/v1/audit/seals/{id}/verify", permission="workspace:audit:verify")
def verify_audit_seal(request: Request) -> Reply:
    """Compare what is stored with what was sealed, part by part; go on with the cursor."""
    identity = request.id()
    filters = {"seal": identity}
    position = position_of(request, filters=filters)
    report, part = use().verify_seal()(
        request.tenant, identity, int(position["part"]) if position else 0
    )
    following = cursor_to(request, None if part is None else {"part": part}, filters=filters)
    return Reply(chain_report_out(report, following))


@app.api("GET", "/v1/audit/verify", permission="workspace:audit:verify")
def verify_audit(request: Request) -> Reply:
    """Recompute audit chains, some entities a call; go on with the cursor until complete."""
    report, following = use().verify_audit()(
        request.tenant, limit=request.limit(200), after=position_of(request)
    )
    return Reply(chain_report_out(report, cursor_to(request, following)))


@app.api("GET", "/v1/audit/chains", permission="workspace:audit:verify")
def list_audit_chains(request: Request) -> Reply:
    """The audit rows of every entity, to be checked elsewhere."""
    page = use().list_chains()(request.tenant, limit=request.limit(), after=position_of(request))
    return list_reply(request, page, chain_out)


@app.api("GET", "/v1/audit/seals/{id}", permission="workspace:audit:verify")
def show_audit_seal(request: Request) -> Reply:
    """One seal with its object as it was written; ``?part=0`` and on give its parts."""
    text = request.query.get("part")
    if text is not None and not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise invalid(Problem("/part", "number_expected", "A number is expected."))
    number = None if text is None else int(text)
    seal, content = use().read_seal()(request.tenant, request.id(), number)
    return Reply({**seal_out(seal), "content": content.decode()})
