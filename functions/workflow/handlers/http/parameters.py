"""Dated parameters: list and record (WFL-01)."""

from toolkit.entrypoints.http import Reply, Request
from workflow.application.record_parameter import Value
from workflow.handlers.http.app import app, use_of
from workflow.schemas import ParameterIn, parameter_out


@app.api("GET", "/v1/workflow/parameters", permission="workflow:parameter:read")
def list_parameters(request: Request) -> Reply:
    """Values of all parameters, or of ``?key=``, by key and validity."""
    use, key = use_of(request), request.query.get("key")
    known = use.scope.shipped.parameters.plus(use.store.parameters())
    found = [
        parameter
        for name in sorted(known.by_key)
        if key is None or key in (name, name.partition("[")[0])
        for parameter in sorted(
            known.by_key[name], key=lambda each: (each.valid_from, each.recorded_at)
        )
    ]
    items = [parameter_out(parameter) for parameter in found]
    return Reply({"items": items, "next_cursor": None, "total": len(items)})


@app.api("POST", "/v1/workflow/parameters", permission="workflow:parameter:write")
def record_parameter(request: Request) -> Reply:
    """Record a value from a date on; a correction is one more value for the same date."""
    command = request.optional_command()
    body = request.json(ParameterIn)
    value = Value(**body.model_dump())
    return Reply(parameter_out(use_of(request).record_parameter()(value, command)), 201)
