"""Jobs, uploads, timelines, incidents, mail log, events, Today."""

from kernel.errors import Problem
from toolkit.entrypoints.http import Reply, Request, etag
from workspace.domain.incident import Incident, IncidentState
from workspace.domain.problems import invalid
from workspace.domain.subject import Subject
from workspace.handlers.http.app import app, list_reply, position_of, use
from workspace.pages.addresses import item_address
from workspace.pages.kit import ALL_INCIDENTS, incident_context
from workspace.pages.words import (
    action_summary,
    attention_summary,
    incident_summary,
    words_of,
)
from workspace.ports import HistoryView, JobView
from workspace.schemas import (
    ResolutionIn,
    UploadIn,
    event_out,
    findings_out,
    history_out,
    incident_out,
    job_out,
    message_out,
    today_out,
    upload_out,
)

# ---------------------------------------------------------------------------- jobs, uploads


@app.api("GET", "/v1/jobs", permission="workspace:job:read")
def list_jobs(request: Request) -> Reply:
    """Jobs of all contexts, newest first."""
    after = position_of(request)
    page = use().list_jobs()(
        request.tenant, limit=request.limit(), before=str(after["before"]) if after else None
    )
    return list_reply(request, page, job_out)


@app.api("GET", "/v1/jobs/{id}", permission="workspace:job:read")
def show_job(request: Request) -> Reply:
    """One job; says when to ask again while it runs."""
    return _job(use().read_job()(request.tenant, request.id()))


@app.api("POST", "/v1/jobs/{id}/cancel", permission="workspace:job:cancel")
def cancel_job(request: Request) -> Reply:
    """Wish for the end of a job; its owner stops it at the next safe point."""
    return _job(use().cancel_job()(request.tenant, request.id()), 202)


def _job(job: JobView, status: int = 200) -> Reply:
    headers = {} if job.is_final else {"retry-after": "1" if job.done == 0 else "2"}
    return Reply(job_out(job), status, headers)


@app.api("POST", "/v1/uploads", permission="workspace:upload:write")
def start_upload(request: Request) -> Reply:
    """Room for one file."""
    body = request.json(UploadIn)
    ticket = use().start_upload()(
        request.tenant, filename=body.filename, content_type=body.content_type, size=body.size
    )
    return Reply(upload_out(ticket), 201)


# ---------------------------------------------------------------------------- timeline, events


@app.api("GET", "/v1/timeline", permission="workspace:timeline:read")
def show_timeline(request: Request) -> Reply:
    """What happened to one item, oldest first."""
    text = request.query.get("subject", "")
    if not text:
        raise invalid(Problem("/subject", "required", "Name the item as kind:id."))
    subject = Subject.parse(text)
    filters = {"subject": str(subject)}
    page = use().read_timeline()(
        request.tenant,
        subject,
        limit=request.limit(),
        after=position_of(request, filters=filters),
    )
    words = words_of(request)

    def show(entry: HistoryView) -> object:
        return history_out(entry, action_summary(words, entry), str(subject))

    return list_reply(request, page, show, filters=filters)


@app.api("GET", "/v1/events", permission="workspace:event:read")
def list_events(request: Request) -> Reply:
    """Published events of the last ninety days, newest first."""
    page = use().list_events()(request.tenant, limit=request.limit(), after=position_of(request))
    return list_reply(request, page, event_out)


@app.api("GET", "/v1/search", permission="workspace:today:read")
def search(request: Request) -> Reply:
    """Items of all contexts by name or code, those the caller may see; ``?q=`` of three letters."""
    query = request.query.get("q", "")
    findings = use().search_everything()(request.tenant, query, request.principal.may)
    if findings.too_short:
        problem = Problem("/q", "query_short", "Write at least three letters or digits.")
        raise invalid(problem)
    return Reply(findings_out(findings, item_address))


@app.api("GET", "/v1/today", permission="workspace:today:read")
def show_today(request: Request) -> Reply:
    """Exceptions by age and money, tasks, deadlines, connection health."""
    today = use().list_today()(request.tenant)
    words = words_of(request)
    tasks = today.tasks_for(request.tenant.actor, request.principal.roles)
    rows = (*today.exceptions, *today.deadlines, *tasks, *today.connections)
    summary = {row.key: attention_summary(words, row) for row in rows}
    return Reply(today_out(today, use().platform.clock.now(), summary, tasks))


# ---------------------------------------------------------------------------- incidents


@app.api("GET", "/v1/incidents", permission="workspace:incident:read")
def list_incidents(request: Request) -> Reply:
    """Incidents of the company; for an operator without a company, the open ones of all."""
    words = words_of(request)

    def show(incident: Incident) -> object:
        return incident_out(incident, incident_summary(words, incident))

    if not request.principal.tenant_id and request.principal.may(ALL_INCIDENTS):
        everywhere = use().list_open_incidents()(limit=request.limit(), after=position_of(request))
        return list_reply(request, everywhere, show)
    state = _state_filter(request)
    filters = {"state": state.value} if state else {}
    page = use().list_incidents()(
        request.tenant,
        state,
        limit=request.limit(),
        after=position_of(request, filters=filters),
    )
    return list_reply(request, page, show, filters=filters)


def _state_filter(request: Request) -> IncidentState | None:
    text = request.query.get("state")
    if text is None:
        return None
    try:
        return IncidentState(text)
    except ValueError:
        raise invalid(Problem("/state", "state_unknown", "Choose open or resolved.")) from None


@app.api("GET", "/v1/incidents/{id}", permission="workspace:incident:read")
def show_incident(request: Request) -> Reply:
    """One incident."""
    identity = request.id()
    incident = use().read_incident()(incident_context(request, identity), identity)
    return _incident(request, incident)


@app.api("POST", "/v1/incidents/{id}/resolve", permission="workspace:incident:resolve")
def resolve_incident(request: Request) -> Reply:
    """Close an incident with a note; the owner of the item hears of it."""
    identity = request.id()
    note = request.json(ResolutionIn).note
    context = incident_context(request, identity)
    return _incident(request, use().resolve_incident()(context, identity, note))


def _incident(request: Request, incident: Incident) -> Reply:
    out = incident_out(incident, incident_summary(words_of(request), incident))
    return Reply(out, headers={"etag": etag(incident.stamp.version)})


# ---------------------------------------------------------------------------- mail log


@app.api("GET", "/v1/messages", permission="workspace:message:read")
def list_messages(request: Request) -> Reply:
    """Mails of the company, newest first."""
    page = use().list_messages()(request.tenant, limit=request.limit(), after=position_of(request))
    return list_reply(request, page, message_out)


@app.api("GET", "/v1/messages/{id}", permission="workspace:message:read")
def show_message(request: Request) -> Reply:
    """One mail."""
    message = use().read_message()(request.tenant, request.id())
    return Reply(message_out(message), headers={"etag": etag(message.stamp.version)})
