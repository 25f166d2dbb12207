"""Events out: targets of webhooks, deliveries, and sending again."""

from datetime import timedelta

from kernel.errors import Problem
from kernel.ids import is_id
from kernel.storing import Remembered
from toolkit.entrypoints.http import Reply, Request, etag
from workspace.domain.delivery import Delivery
from workspace.domain.problems import invalid
from workspace.domain.webhook import Endpoint
from workspace.handlers.http.app import (
    answered,
    app,
    list_reply,
    position_of,
    reply_of,
    use,
)
from workspace.schemas import (
    EndpointIn,
    EndpointPatch,
    RecoveryIn,
    RotationIn,
    delivery_out,
    endpoint_out,
    event_out,
    job_out,
    list_out,
)

# ---------------------------------------------------------------------------- targets


@app.api("GET", "/v1/webhook-endpoints", permission="workspace:webhook:read")
def list_webhook_endpoints(request: Request) -> Reply:
    """Targets of the company, oldest first."""
    found = use().list_endpoints()(request.tenant)
    return Reply(list_out(map(endpoint_out, found), None, len(found)))


@app.api("POST", "/v1/webhook-endpoints", permission="workspace:webhook:write")
def add_webhook_endpoint(request: Request) -> Reply:
    """Add a target; this answer is the only one that shows its secret."""
    body = request.json(EndpointIn)
    endpoint, secret = use().add_endpoint()(
        request.tenant, url=body.url, events=body.events, description=body.description
    )
    headers = {
        "location": f"/v1/webhook-endpoints/{endpoint.id}",
        "etag": etag(endpoint.stamp.version),
    }
    return Reply(endpoint_out(endpoint, secret), 201, headers)


@app.api("GET", "/v1/webhook-endpoints/{id}", permission="workspace:webhook:read")
def show_webhook_endpoint(request: Request) -> Reply:
    """One target without its secret."""
    return _endpoint(use().read_endpoint()(request.tenant, request.id()))


@app.api("PATCH", "/v1/webhook-endpoints/{id}", permission="workspace:webhook:write")
def change_webhook_endpoint(request: Request) -> Reply:
    """Change address, events or description, or switch it on or off."""
    identity, version = request.id(), request.expected_version()
    body = request.json(EndpointPatch)
    return _endpoint(
        use().change_endpoint()(
            request.tenant,
            identity,
            expected_version=version,
            url=body.url,
            events=body.events,
            description=body.description,
            enabled=body.enabled,
        )
    )


@app.api("DELETE", "/v1/webhook-endpoints/{id}", permission="workspace:webhook:write")
def remove_webhook_endpoint(request: Request) -> Reply:
    """Withdraw a target; what still waited for it is not sent."""
    use().remove_endpoint()(request.tenant, request.id())
    return Reply(None, 204)


@app.api("POST", "/v1/webhook-endpoints/{id}/rotate-secret", permission="workspace:webhook:write")
def rotate_webhook_secret(request: Request) -> Reply:
    """Give a target a new secret; for a while the old one signs beside it."""
    body = request.json(RotationIn)
    endpoint, secret = use().rotate_secret()(
        request.tenant, request.id(), overlap=timedelta(hours=body.overlap_hours)
    )
    headers = {"etag": etag(endpoint.stamp.version)}
    return Reply(endpoint_out(endpoint, secret), headers=headers)


@app.api("POST", "/v1/webhook-endpoints/{id}/test", permission="workspace:webhook:write")
def try_webhook_endpoint(request: Request) -> Reply:
    """Send a test event to a target."""
    return reply_of(_accepted(use().try_endpoint()(request.tenant, request.id())))


@app.api("POST", "/v1/webhook-endpoints/{id}/recover", permission="workspace:webhook:write")
def recover_webhook_endpoint(request: Request) -> Reply:
    """Send everything since an instant that the target has not confirmed."""
    body = request.json(RecoveryIn)
    job_id = use().start_recovery()(request.tenant, request.id(), body.since)
    job = use().read_job()(request.tenant, job_id)
    return Reply(job_out(job), 202, {"location": f"/v1/jobs/{job_id}", "retry-after": "1"})


def _endpoint(endpoint: Endpoint) -> Reply:
    return Reply(endpoint_out(endpoint), headers={"etag": etag(endpoint.stamp.version)})


# ---------------------------------------------------------------------------- deliveries, events


@app.api("GET", "/v1/webhook-deliveries", permission="workspace:webhook:read")
def list_webhook_deliveries(request: Request) -> Reply:
    """Deliveries, newest first; ``?endpoint_id=`` shows the latest of each event at one target."""
    endpoint_id = request.query.get("endpoint_id")
    if endpoint_id is not None and not is_id(endpoint_id):
        raise invalid(Problem("/endpoint_id", "id_expected", "An id is expected."))
    filters = {"endpoint_id": endpoint_id} if endpoint_id else {}
    page = use().list_deliveries()(
        request.tenant,
        endpoint_id,
        limit=request.limit(),
        after=position_of(request, filters=filters),
    )
    return list_reply(request, page, delivery_out, filters=filters)


@app.api("GET", "/v1/webhook-deliveries/{id}", permission="workspace:webhook:read")
def show_webhook_delivery(request: Request) -> Reply:
    """One delivery with its attempts."""
    delivery = use().read_delivery()(request.tenant, request.id())
    return Reply(delivery_out(delivery), headers={"etag": etag(delivery.stamp.version)})


@app.api("POST", "/v1/webhook-deliveries/{id}/resend", permission="workspace:webhook:write")
def resend_webhook_delivery(request: Request) -> Reply:
    """Send one event to one target once more, under the same ``webhook-id``."""
    command = request.optional_command()
    first = answered(request, command)
    if first is not None:
        return first
    delivery = use().resend_delivery()(
        request.tenant, request.id(), command=command, answer=_accepted
    )
    return reply_of(_accepted(delivery))


def _accepted(delivery: Delivery) -> Remembered:
    headers = {"location": f"/v1/webhook-deliveries/{delivery.id}"}
    return Remembered(202, delivery_out(delivery), headers)


@app.api("GET", "/v1/events/{id}", permission="workspace:event:read")
def show_event(request: Request) -> Reply:
    """One event of the log."""
    return Reply(event_out(use().read_event()(request.tenant, request.id())))


@app.api("POST", "/v1/events/{id}/resend", permission="workspace:webhook:write")
def resend_event(request: Request) -> Reply:
    """Send one event again to every target that wants it now."""
    made = use().resend_event()(request.tenant, request.id())
    return Reply(list_out(map(delivery_out, made), None, len(made)), 202)
