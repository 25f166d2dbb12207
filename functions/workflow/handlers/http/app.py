"""The HTTP application of this context and what its routes share."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from kernel.storing import Position
from toolkit.entrypoints.http import HttpApp, Reply, Request, etag
from workflow.bootstrap import Workflow, application
from workflow.domain.rules.record import DecisionRecord, explain
from workflow.domain.rules.table import Table
from workflow.domain.rules.versions import TableVersion
from workflow.pages.words import error_page, problem_text, reasons
from workflow.schemas import decision_out, version_out

T = TypeVar("T")


def _error_page(request: Request, status: int, body: Mapping[str, Any]) -> Reply:
    return error_page(app, request, status, body)


app: HttpApp = HttpApp(
    "workflow",
    base_url=lambda: application().settings.common.base_url,
    csrf_key=lambda: application().platform.csrf_key(),
    origin=lambda: application().settings.common.origin,
    error_page=_error_page,
    translate=problem_text,
)


def use_of(request: Request) -> Workflow:
    """The use cases for the tenant and caller of a request."""
    return application().for_tenant(request.tenant)


def version_reply(version: TableVersion, status: int = 200) -> Reply:
    """A single version with its ETag."""
    headers = {"etag": etag(version.stamp.version)}
    if status == 201:
        headers["location"] = f"/v1/workflow/tables/{version.key}/versions/{version.id}"
    return Reply(version_out(version, whole=True), status, headers)


def decision_shown(record: DecisionRecord, table: Table) -> dict[str, Any]:
    """A decision with its reasons in three languages."""
    whys = explain(
        table,
        rule=record.rule,
        valid_on=record.valid_on,
        outcome=record.outcome,
        rows=record.rows,
        hits=record.hits,
        parameters=record.parameters,
    )
    return decision_out(record, reasons(whys))


def page_reply(
    request: Request,
    read: Callable[[int, Position | None], tuple[list[T], Position | None]],
    shown: Callable[[T], dict[str, Any]],
    **filters: str,
) -> Reply:
    """One page of a list with the sealed cursor of the next."""
    scope: dict[str, Any] = {
        "tenant_id": request.tenant.tenant_id,
        "route": request.route,
        "filters": filters,
        "now": application().platform.clock.now(),
    }
    cursors = application().cursors
    cursor = request.query.get("cursor")
    found, following = read(request.limit(), cursors.open(cursor, **scope) if cursor else None)
    sealed = cursors.seal(following, **scope) if following else None
    return Reply({"items": [shown(each) for each in found], "next_cursor": sealed})
