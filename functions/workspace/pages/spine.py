"""Today, jobs, incidents and the mail log."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from kernel.errors import ValidationError
from toolkit.auth import TenantContext
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import Chip, Column
from webkit.i18n import Language
from webkit.urls import link
from workspace.domain.incident import Incident, IncidentState
from workspace.pages.addresses import item_address
from workspace.pages.kit import (
    Kit,
    NoCompanyError,
    cursor_in,
    member,
    paging,
    read_form,
    status_of,
    use,
)
from workspace.pages.words import (
    attention_status,
    attention_summary,
    incident_status,
    incident_summary,
    job_name,
    job_status,
    message_name,
    message_status,
    redirect,
    sentence,
    subject_name,
    words_of,
)
from workspace.schemas import ResolutionIn

_ROWS: Final = 50
_SHOWN: Final = 50
_POLL_FIRST: Final = 2
_POLL_LAST: Final = 15


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of the spine."""

    # ------------------------------------------------------------------ today

    @app.page("GET", "/", permission=None)
    def show_today(request: Request) -> Reply:
        """What is wrong, what is due, how the connections are."""
        try:
            member(request, "workspace:today:read")
        except NoCompanyError:
            home = request.principal.may("operator:incident:read")
            return redirect("/operator/incidents" if home else "/companies")
        today = use().list_today()(request.tenant)
        words = words_of(request)
        now = use().platform.clock.now()
        tasks = today.tasks_for(request.tenant.actor, request.principal.roles)
        rows = (*today.exceptions, *today.deadlines, *tasks, *today.connections)
        return kit.draw(
            request,
            "today/today.html",
            "today",
            {
                "today": today,
                "tasks": tasks,
                "summary": {row.key: attention_summary(words, row) for row in rows},
                "urgency": {row.key: attention_status(words, row) for row in rows},
                "age": {row.key: row.age_seconds(now) for row in rows},
                "address": {row.key: item_address(row.subject, row.contract_id) for row in rows},
                "news_age": None
                if today.news_at is None
                else max(0, int((now - today.news_at).total_seconds())),
                "business_day": use().platform.clock.today(
                    request.principal.zone or "Europe/Istanbul"
                ),
            },
        )

    # ------------------------------------------------------------------ search

    @app.page("GET", "/search", permission="workspace:today:read")
    def show_search(request: Request) -> Reply:
        """Items of all contexts by name or code, kind by kind; works without scripts."""
        query = request.query.get("q", "").strip()[:100]
        findings = use().search_everything()(request.tenant, query, request.principal.may)
        words = words_of(request)
        values = {
            "query": query,
            "findings": findings,
            "kind": {kind: subject_name(words, kind) for kind, _ in findings.groups},
            "address": item_address,
        }
        return kit.draw(request, "search/results.html", "", values)

    # ------------------------------------------------------------------ jobs

    @app.page("GET", "/jobs", permission="workspace:job:read")
    def list_jobs(request: Request) -> Reply:
        """Long work, newest first."""
        after = cursor_in(request)
        page = use().list_jobs()(
            request.tenant, limit=_ROWS, before=str(after["before"]) if after else None
        )
        words = words_of(request)
        columns = (
            Column("kind", words.text("Job")),
            Column("progress", words.text("Progress")),
            Column("created", words.text("Started")),
            Column("finished", words.text("Finished")),
            Column("status", words.text("State")),
        )
        return kit.draw(
            request,
            "jobs/list.html",
            "jobs",
            {
                "columns": columns,
                "jobs": page.items,
                "name": {job.id: job_name(words, job.kind) for job in page.items},
                "badges": {job.id: job_status(words, job) for job in page.items},
                "at": instant_of,
                "paging": paging(request, len(page.items), page.next),
            },
        )

    def draw_job(request: Request, template: str) -> Reply:
        job = use().read_job()(request.tenant, request.id())
        words = words_of(request)
        # Each poll names the pause before the next one, so the asking slows down by itself.
        asked = request.query.get("pause", "")
        pause = int(asked) if asked.isdigit() and len(asked) < 4 else _POLL_FIRST
        pause = min(max(pause, _POLL_FIRST), _POLL_LAST)
        following = min(pause + 1, _POLL_LAST)
        progress = link(f"/jobs/{job.id}/progress", pause=following)
        return kit.draw(
            request,
            template,
            "jobs",
            {
                "job": job,
                "name": job_name(words, job.kind),
                "job_status": job_status(words, job),
                "at": instant_of,
                "poll_url": None if job.is_final else progress,
                "poll_seconds": pause,
                "subject_href": item_address(job.subject, ""),
                "job_problems": [_job_problem(words, item) for item in job.problems[:_SHOWN]],
                "may_cancel": job.cancellable
                and not job.is_final
                and request.principal.may("workspace:job:cancel"),
            },
        )

    @app.page("GET", "/jobs/{id}", permission="workspace:job:read")
    def show_job(request: Request) -> Reply:
        """Progress of one job; the page asks again by itself until it is over."""
        return draw_job(request, "jobs/job.html")

    @app.page("GET", "/jobs/{id}/progress", permission="workspace:job:read")
    def show_progress(request: Request) -> Reply:
        """The part of the job page that changes."""
        return draw_job(request, "jobs/progress.html")

    @app.page("POST", "/jobs/{id}/cancel", permission="workspace:job:cancel")
    def cancel_job(request: Request) -> Reply:
        """Wish for the end of a job."""
        identity = request.id()
        use().cancel_job()(request.tenant, identity)
        return redirect(link(f"/jobs/{identity}", done="cancel"))

    # ------------------------------------------------------------------ incidents

    @app.page("GET", "/incidents", permission="workspace:incident:read")
    def list_incidents(request: Request) -> Reply:
        """What somebody must look at."""
        wish = request.query.get("state", "")
        state = IncidentState(wish) if wish in {item.value for item in IncidentState} else None
        page = use().list_incidents()(
            request.tenant, state, limit=_ROWS, after=cursor_in(request, state=wish)
        )
        words = words_of(request)
        choices = (
            ("", words.text("All")),
            ("open", words.text("Open")),
            ("resolved", words.text("Resolved")),
        )
        chips = [
            Chip(label, link("/incidents", state=value), active=value == wish)
            for value, label in choices
        ]
        columns = incident_columns(words)
        return kit.draw(
            request,
            "incidents/list.html",
            "incidents",
            {
                "base": "/incidents",
                "chips": chips,
                "columns": columns,
                "incidents": page.items,
                "summary": {item.id: incident_summary(words, item) for item in page.items},
                "badges": {item.id: incident_status(words, item) for item in page.items},
                "subject": subject_label(words),
                "address": item_address,
                "actor": who_acts(words),
                "at": instant_of,
                "paging": paging(request, len(page.items), page.next, state=wish),
            },
        )

    def incident_page(
        request: Request, incident: Incident, error: ValidationError | None = None, note: str = ""
    ) -> Reply:
        words = words_of(request)
        values = {
            "base": "/incidents",
            "incident": incident,
            "summary": incident_summary(words, incident),
            "incident_status": incident_status(words, incident),
            "subject": subject_label(words)(incident.subject),
            "address": item_address(incident.subject, incident.contract_id),
            "actor": who_acts(words)(incident.actor),
            "resolved_by": actors_of(request.tenant, words).get(incident.resolved_by, ""),
            "at": instant_of,
            "note": note,
            "may_resolve": incident.state is IncidentState.OPEN
            and request.principal.may("workspace:incident:resolve"),
        }
        template = "incidents/incident.html"
        return kit.draw(
            request, template, "incidents", values, status=status_of(error), error=error
        )

    @app.page("GET", "/incidents/{id}", permission="workspace:incident:read")
    def show_incident(request: Request) -> Reply:
        """One incident with the form that resolves it."""
        return incident_page(request, use().read_incident()(request.tenant, request.id()))

    @app.page("POST", "/incidents/{id}/resolve", permission="workspace:incident:resolve")
    def resolve_incident(request: Request) -> Reply:
        """Say what was done; the rows it held are released."""
        identity = request.id()
        try:
            body = read_form(request, ResolutionIn)
        except ValidationError as error:
            incident = use().read_incident()(request.tenant, identity)
            return incident_page(request, incident, error, request.form().get("note", ""))
        use().resolve_incident()(request.tenant, identity, body.note)
        return redirect(link(f"/incidents/{identity}", done="resolved"))

    # ------------------------------------------------------------------ mail log

    @app.page("GET", "/messages", permission="workspace:message:read")
    def list_messages(request: Request) -> Reply:
        """Mails we sent and what became of them."""
        page = use().list_messages()(request.tenant, limit=_ROWS, after=cursor_in(request))
        words = words_of(request)
        columns = (
            Column("kind", words.text("Mail")),
            Column("to", words.text("To")),
            Column("at", words.text("When")),
            Column("status", words.text("State")),
        )
        return kit.draw(
            request,
            "messages/list.html",
            "messages",
            {
                "columns": columns,
                "messages": page.items,
                "name": {item.id: message_name(words, item) for item in page.items},
                "badges": {item.id: message_status(words, item) for item in page.items},
                "to": {
                    item.id: item.to.reveal("mail log of the company") if item.to else ""
                    for item in page.items
                },
                "at": instant_of,
                "paging": paging(request, len(page.items), page.next),
            },
        )


def instant_of(text: str | None) -> datetime | None:
    """A stored instant for the formats of the reader."""
    return datetime.fromisoformat(text) if text else None


def incident_columns(words: Language) -> tuple[Column, ...]:
    """Columns of a list of incidents."""
    return (
        Column("summary", words.text("What happened")),
        Column("subject", words.text("Item")),
        Column("actor", words.text("Who must act")),
        Column("opened", words.text("Since")),
        Column("state", words.text("State")),
    )


def _job_problem(words: Language, item: Mapping[str, Any]) -> str:
    """One problem of a job as a line: where it is and what it means."""
    code = str(item.get("code", ""))
    text = sentence(words, "problem", code, {}) or str(item.get("message") or code)
    row = item.get("row")
    if not isinstance(row, int):
        return text
    place = words.text("row %(row)s", row=row)
    return f"{place}: {text}"


def subject_label(words: Language) -> Callable[[str], str]:
    """How items are named in lists: their kind and the end of their id."""

    def label(subject: str) -> str:
        kind, _, identity = subject.partition(":")
        return f"{subject_name(words, kind)} …{identity[-6:]}" if identity else subject

    return label


def who_acts(words: Language) -> Callable[[str], str]:
    names = {
        "user": words.text("your company"),
        "operator": words.text("the operator"),
        "provider": words.text("the institution"),
    }

    def label(actor: str) -> str:
        return names.get(actor, actor)

    return label


def actors_of(context: TenantContext, words: Language) -> dict[str, str]:
    """Names behind ``user:<id>`` and ``key:<id>`` of this company."""
    company = use().store.company(context)
    names = {f"user:{each.person_id}": each.name for each in company.memberships()}
    names |= {
        f"key:{key.id}": words.text("API key %(name)s", name=key.name) for key in company.api_keys()
    }
    return names
