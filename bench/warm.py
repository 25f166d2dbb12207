"""A warm request through the whole stack against the same endpoint in FastAPI and Mangum (P3).

Both get the same payload 2.0 event with the authorizer's word on who asks, check the permission,
validate the JSON body, run the same use case over the same store in memory and answer the person
that was added. Answers are compared before anything is timed. The measuring half runs in a process
of its own that also sees the packages of the peers.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final

from bench import peers
from bench.frame import ROOT, Report, alternating

REQUESTS: Final = 60
_ROUTE: Final = "/v1/pensions/contracts/{id}/employees"
_DOOR: Final = "what CloudFront shows"


def measure(report: Report) -> None:
    """P3."""
    if not peers.installed():
        report.add("P3", "warm request", "not measured", peer="no peers here", holds=None)
        return
    path = os.pathsep.join([*sys.path, str(peers.packages())])
    done = subprocess.run(
        [sys.executable, "-m", "bench.warm"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        check=True,
    )
    figures = json.loads(done.stdout.splitlines()[-1])
    report.ratio(
        "P3",
        "warm JSON request, validation and use case included",
        figures["ours"],
        figures["theirs"],
        peer="FastAPI + Mangum",
        most=0.25,
        unit="µs",
    )
    report.add(
        "P3",
        "of it the use case itself, equal in both",
        f"{figures['use_case']:.3g} µs",
        peer="no framework at all",
        holds=None,
    )


def compared() -> dict[str, float]:
    """Microseconds of one request: ours, theirs and the use case alone.

    Raises: SystemExit when the answers differ.
    """
    from pensions.adapters.field_parsers import API_PARSERS
    from pensions.application.employees import AddEmployee
    from tests.support.fakes.pensions_office import Office
    from tests.support.pensions_builders import fields_of

    events = [_event(number) for number in range(1, REQUESTS + 1)]

    def batch(handler_of: Callable[[Any], Any]) -> Callable[[], list[Any]]:
        def run() -> list[Any]:
            # A company of its own each time: the same people can be added again.
            handler = handler_of(Office())
            return [handler(event) for event in events]

        return run

    def alone(office: Any) -> Any:
        contract_id = office.contract()
        add = AddEmployee(office.scope, API_PARSERS)
        numbers = iter(range(1, REQUESTS + 1))
        return lambda _event: add(contract_id, fields_of(next(numbers)))

    ours, theirs = batch(_ours), batch(_theirs)
    for mine, other in zip(ours(), theirs(), strict=True):
        said = json.loads(mine["body"]), json.loads(other["body"])
        if (mine["statusCode"], said[0]) != (other["statusCode"], said[1]):
            raise SystemExit(f"the answers differ, nothing is timed: {said}")
    seconds = alternating(ours, theirs, batch(alone), batch(_nothing))
    empty = seconds[3]
    mine, other, use_case = ((each - empty) / REQUESTS * 1e6 for each in seconds[:3])
    return {"ours": mine, "theirs": other, "use_case": use_case}


def _nothing(office: Any) -> Any:
    office.contract()
    return lambda _event: None


def _event(number: int) -> dict[str, Any]:
    from tests.support.events import http_event
    from tests.support.fakes.pensions_office import TENANT
    from tests.support.pensions_builders import fields_of
    from toolkit.auth import Principal
    from toolkit.http.origin import HEADER

    key = Principal(
        kind="api_key", id="KEY", tenant_id=TENANT, scopes=("pensions:*:*",), tenant_name="A"
    )
    headers = {HEADER: _DOOR}
    return http_event("POST", "", principal=key, headers=headers, body=fields_of(number))


def _aimed(event: dict[str, Any], contract_id: str) -> dict[str, Any]:
    path = _ROUTE.replace("{id}", contract_id)
    context = event["requestContext"]
    http = {**context["http"], "path": path}
    return {**event, "rawPath": path, "requestContext": {**context, "http": http}}


def _ours(office: Any) -> Any:
    """The handler of the function, with the store of the office behind it."""
    from pensions import bootstrap
    from pensions.bootstrap import Application, Pensions
    from pensions.handlers.api import handler
    from tests.support.lambda_context import LambdaContext
    from toolkit.http.origin import Origin, digest_of

    class InMemory(Application):
        def for_tenant(self, context: Any) -> Pensions:
            use = Pensions(self, context)
            vars(use).update(store=office.store, scope=office.scope)
            return use

    none: Any = None
    contract_id = office.contract()
    # As in a deployed stage: every request shows that it came by the front door.
    stage: Any = SimpleNamespace(common=SimpleNamespace(origin=Origin((digest_of(_DOOR),))))
    built = InMemory(stage, none, none, none)
    # The routes hold the cached function, so what it builds is replaced.
    settings = SimpleNamespace(from_environment=lambda: none)
    vars(bootstrap).update(build=lambda _: built, PensionsSettings=settings)
    bootstrap.application.cache_clear()
    context = LambdaContext()
    return lambda event: handler(_aimed(event, contract_id), context)


def _theirs(office: Any) -> Any:
    """The same endpoint as its documentation would have one write it."""
    from pydantic import BaseModel, ConfigDict

    from pensions.adapters.field_parsers import API_PARSERS
    from pensions.application.employees import AddEmployee
    from pensions.schemas import employee_out
    from tests.support.lambda_context import LambdaContext

    class Employee(BaseModel):
        model_config = ConfigDict(extra="forbid")
        national_id: str
        first_name: str
        last_name: str
        birth_date: str
        mobile: str
        hired_on: str

    fastapi = importlib.import_module("fastapi")
    answer = importlib.import_module("fastapi.responses").JSONResponse

    def add(id: str, body: Any, request: Any) -> Any:
        who = request.scope["aws.event"]["requestContext"]["authorizer"]["lambda"]
        if "pensions:*:*" not in who["scopes"].split(","):
            raise fastapi.HTTPException(403)
        made = AddEmployee(office.scope, API_PARSERS)(id, body.model_dump(exclude_unset=True))
        where = f"{request.url.path}/{made.id}"
        headers = {"etag": f'"v{made.stamp.version}"', "location": where}
        return answer(employee_out(made, reveal=True), 201, headers)

    # FastAPI reads the types of the arguments; the packages of the peers have none for mypy.
    add.__annotations__ = {"id": str, "body": Employee, "request": fastapi.Request}
    app = fastapi.FastAPI()
    app.post(_ROUTE, status_code=201)(add)
    adapter = importlib.import_module("mangum").Mangum(app, lifespan="off")
    contract_id, context = office.contract(), LambdaContext()
    return lambda event: adapter(_aimed(event, contract_id), context)


if __name__ == "__main__":
    sys.stdout.write(f"{json.dumps(compared())}\n")
