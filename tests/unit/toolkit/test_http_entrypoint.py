"""The HTTP door: access, bodies, forms, problems, headers, cookies; decided in one place."""

import json
import sys
from collections.abc import Callable, Mapping
from datetime import date
from types import SimpleNamespace
from typing import Annotated, Any

import pytest

from kernel.errors import (
    ConflictError,
    KopruError,
    NotFoundError,
    TooManyRequestsError,
    UnauthorizedError,
    ValidationError,
)
from kernel.parsing import parse_date_api
from tests.support.events import Answer, http_event, invoke
from toolkit.auth import ANONYMOUS, Principal
from toolkit.entrypoints.authorizer import context_of, proof_of
from toolkit.entrypoints.http import HttpApp, Reply, Request, etag, principal_of, redirect
from toolkit.http.fields import EdgeModel, parsed
from toolkit.http.origin import Origin

BASE = "https://app.kopru.example"
KEY = Principal("api_key", "K1", "T1", scopes=("workspace:*:*",))
PERSON = Principal(
    "session",
    "U1",
    "T1",
    roles=("viewer",),
    session_hash="s" * 64,
    language="el",
    theme="dark",
    zone="Europe/Athens",
    name="Άννα, Β.",
    email="anna@ornek.example",
    tenant_name="Şirket",
    tenants=(("T1", "Şirket"), ("T2", 'A "B"')),
)
ID = "01KT16JKM00000000000000001"


class Body(EdgeModel):
    """An edge model."""

    name: str


class Dated(EdgeModel):
    """An edge model with a parsed member."""

    on: Annotated[date, parsed(parse_date_api)]


def _app(**options: Any) -> HttpApp:
    return HttpApp(
        "test",
        base_url=lambda: BASE,
        csrf_key=lambda: b"key",
        origin=lambda: Origin(()),
        **options,
    )


def _with(
    function: Callable[[Request], Reply],
    *,
    path: str = "/v1/things",
    method: str = "GET",
    permission: str | None = "workspace:job:read",
    kind: Any = "api",
    **options: Any,
) -> HttpApp:
    app = _app(**options)
    app.route(method, path, permission=permission, kind=kind)(function)
    return app


def _call(app: HttpApp, method: str = "GET", path: str = "/v1/things", **event: Any) -> Answer:
    return invoke(app.handler, http_event(method, path, **event))


def _fine(request: Request) -> Reply:
    return Reply({"tenant": request.tenant.tenant_id, "actor": request.tenant.actor})


# ---------------------------------------------------------------------------- access


def test_a_permission_lets_pass_and_names_the_tenant() -> None:
    answer = _call(_with(_fine), principal=KEY)
    assert (answer.status, answer.json()) == (200, {"tenant": "T1", "actor": "key:K1"})


def test_nobody_is_401_and_somebody_without_the_right_403() -> None:
    app = _with(_fine, permission="workspace:user:write")
    assert _call(app).status == 401
    assert _call(app).json()["code"] == "unauthorized"
    answer = _call(app, principal=PERSON)
    assert (answer.status, answer.json()["code"]) == (403, "forbidden")


def test_somebody_without_a_company_is_403() -> None:
    principal = Principal("api_key", "K1", "", scopes=("workspace:*:*",))
    answer = _call(_with(_fine), principal=principal)
    assert (answer.status, answer.json()["code"]) == (403, "tenant_required")


def test_a_page_leads_nobody_to_the_sign_in() -> None:
    app = _with(_fine, path="/jobs", kind="page")
    answer = _call(app, path="/jobs")
    assert (answer.status, answer.location) == (303, "/sign-in?return_to=/jobs")
    posted = _with(_fine, path="/jobs", method="POST", kind="page")
    assert _call(posted, "POST", "/jobs").location == "/sign-in"


@pytest.mark.parametrize(
    "context",
    [
        {},
        {"kind": "anonymous"},
        {"kind": "root", "tenant_id": "T1"},
        {"tenant_id": "T1", "principal_id": "U", "roles": "owner"},
        None,
    ],
)
def test_without_the_authorizers_word_nobody_is_anybody(context: Any) -> None:
    event = http_event("GET", "/v1/things")
    event["requestContext"]["authorizer"] = {"lambda": context}
    event["headers"] |= {"x-tenant-id": "T1", "kopru-tenant": "T1", "authorization": "Bearer x"}
    assert principal_of(event) == ANONYMOUS
    event["requestContext"].pop("authorizer")
    assert principal_of(event) == ANONYMOUS


@pytest.mark.parametrize("principal", [KEY, PERSON])
def test_what_the_authorizer_writes_is_what_the_door_reads(principal: Principal) -> None:
    event = {"requestContext": {"authorizer": {"lambda": context_of(principal)}}}
    assert principal_of(event) == principal


# ---------------------------------------------------------------------------- proof


@pytest.mark.parametrize(
    ("header", "bearer"),
    [
        (None, None),
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        ("Basic abc", ""),
        ("Bearer", ""),
        ("Bearer şifre", ""),
        ("", ""),
    ],
)
def test_a_bad_header_is_a_bad_proof_and_not_none(header: str | None, bearer: str | None) -> None:
    headers = {} if header is None else {"Authorization": header, "Kopru-Tenant": "T9"}
    proof = proof_of({"headers": headers, "cookies": ["a=1", "a=2", "junk", "b=x=y"]})
    assert proof.bearer == bearer
    assert proof.cookies == {"a": "1", "b": "x=y"}
    assert proof.tenant == (None if header is None else "T9")


def test_an_empty_event_is_no_proof() -> None:
    assert proof_of({}).bearer is None
    assert proof_of({"headers": None, "cookies": None}).cookies == {}


# ---------------------------------------------------------------------------- forms, tokens


def _posted(request: Request) -> Reply:
    return Reply({"form": request.form(), "many": request.form_list("x")})


def test_a_session_changes_nothing_without_its_token() -> None:
    app = _with(_posted, method="POST")
    token = app.csrf_token(PERSON)
    events: tuple[dict[str, Any], ...] = (
        {},
        {"form": {"csrf_token": "x"}},
        {"form": {"csrf_token": ""}},
        {"headers": {"x-csrf-token": token[:-1]}},
        {"headers": {"x-csrf-token": "ş"}},
        {"body": {"csrf_token": token}},
    )
    for event in events:
        answer = _call(app, "POST", principal=PERSON, **event)
        assert (answer.status, answer.json()["code"]) == (403, "csrf_token_invalid")
    answer = _call(app, "POST", principal=PERSON, form={"csrf_token": token, "a": "b"})
    assert answer.json()["form"]["a"] == "b"
    header = _call(
        app,
        "POST",
        principal=PERSON,
        body="a=ö",
        headers={
            "x-csrf-token": token,
            "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        },
    )
    assert header.json()["form"] == {"a": "ö"}


def test_a_token_belongs_to_one_session_and_programs_need_none() -> None:
    app = _with(_posted, method="POST")
    other = Principal("session", "U1", "T1", roles=("viewer",), session_hash="t" * 64)
    stolen = {"x-csrf-token": app.csrf_token(other)}
    assert _call(app, "POST", principal=PERSON, headers=stolen).status == 403
    assert _call(app, "POST", principal=KEY, form={"x": "1"}).status == 200


def test_repeated_fields_keep_their_order() -> None:
    app = _with(_posted, method="POST")
    answer = _call(
        app,
        "POST",
        principal=KEY,
        body="x=1&x=2&y=3&x=",
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert answer.json() == {"form": {"x": "", "y": "3"}, "many": ["1", "2", ""]}


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"body": {"a": 1}}, "form_expected"),
        (
            {
                "body": b"a=\xff",
                "headers": {"content-type": "application/x-www-form-urlencoded"},
            },
            "form_encoding",
        ),
        (
            {
                "body": "a=" + "x" * 300_000,
                "headers": {"content-type": "application/x-www-form-urlencoded"},
            },
            "form_too_large",
        ),
    ],
)
def test_what_is_no_form_is_refused(event: dict[str, Any], code: str) -> None:
    answer = _call(_with(_posted, method="POST"), "POST", principal=KEY, **event)
    assert (answer.status, answer.json()["code"]) == (400, code)


# ---------------------------------------------------------------------------- bodies


def _read(request: Request) -> Reply:
    body = request.json(Body)
    return Reply({"name": body.name})


def test_a_body_is_read_strictly_and_all_problems_come_at_once() -> None:
    app = _with(_read, method="POST")
    assert _call(app, "POST", principal=KEY, body={"name": "Ömer"}).json() == {"name": "Ömer"}
    answer = _call(app, "POST", principal=KEY, body={"tenant_id": "T2", "state": "x"})
    assert answer.status == 422
    assert sorted((item["pointer"], item["code"]) for item in answer.json()["errors"]) == [
        ("/name", "required"),
        ("/state", "unknown_field"),
        ("/tenant_id", "unknown_field"),
    ]
    wrong = _call(app, "POST", principal=KEY, body={"name": 5, "a/b~c": 1})
    pointers = {item["pointer"] for item in wrong.json()["errors"]}
    assert pointers == {"/name", "/a~1b~0c"}


def test_a_parsers_complaint_names_its_member_and_quotes_nothing() -> None:
    def read(request: Request) -> Reply:
        return Reply({"on": str(request.json(Dated).on)})

    app = _with(read, method="POST")
    assert _call(app, "POST", principal=KEY, body={"on": "2026-06-01"}).json() == {
        "on": "2026-06-01"
    }
    answer = _call(app, "POST", principal=KEY, body={"on": "31.02.2026-SECRET"})
    assert answer.json()["errors"][0]["pointer"] == "/on"
    assert "SECRET" not in answer.body


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ({"body": "{", "headers": {"content-type": "application/json"}}, 400),
        ({"body": "", "headers": {"content-type": "application/json"}}, 400),
        ({"body": "[]", "headers": {"content-type": "application/json"}}, 400),
        ({"body": '{"name":"a","name":"b"}', "headers": {"content-type": "application/json"}}, 400),
        ({"body": '{"name":"a"}', "headers": {"content-type": "text/plain"}}, 415),
        ({"body": '{"name":"a"}'}, 415),
        ({"body": {"name": "x" * 300_000}}, 413),
    ],
)
def test_bodies_that_are_none_are_refused(event: dict[str, Any], status: int) -> None:
    answer = _call(_with(_read, method="POST"), "POST", principal=KEY, **event)
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"


# ---------------------------------------------------------------------------- parts of a request


def test_only_ids_are_ids() -> None:
    app = _with(lambda request: Reply({"id": request.id()}), path="/v1/things/{id}")
    assert _call(app, path=f"/v1/things/{ID}", principal=KEY).json() == {"id": ID}
    bodies = set()
    for wrong in ("1", "x" * 26, ID.lower(), "..", "%2e%2e", "a'b", "01KT16JKM0000000000000000U"):
        answer = _call(app, path=f"/v1/things/{wrong}", principal=KEY)
        assert answer.status == 404
        bodies.add(answer.body)
    assert len(bodies) == 1, "a wrong, a foreign and a missing id are one answer"


@pytest.mark.parametrize(
    ("query", "limit"), [({}, 50), ({"limit": "1"}, 1), ({"limit": "200"}, 200)]
)
def test_a_limit_is_between_one_and_two_hundred(query: dict[str, str], limit: int) -> None:
    app = _with(lambda request: Reply({"limit": request.limit()}))
    assert _call(app, principal=KEY, query=query).json() == {"limit": limit}


@pytest.mark.parametrize("text", ["0", "201", "-1", "1.0", "٢", "", "1e1", "9" * 30])
def test_other_limits_are_refused(text: str) -> None:
    app = _with(lambda request: Reply({"limit": request.limit()}))
    answer = _call(app, principal=KEY, query={"limit": text})
    assert (answer.status, answer.json()["code"]) == (422, "limit_invalid")


@pytest.mark.parametrize(
    ("header", "status", "version"),
    [
        ('"v3"', 200, 3),
        ("v3", 200, 3),
        ('"3"', 200, 3),
        (None, 428, 0),
        ("*", 400, 0),
        ("x", 400, 0),
    ],
)
def test_a_change_names_the_version_it_read(header: str | None, status: int, version: int) -> None:
    app = _with(lambda request: Reply({"v": request.expected_version()}), method="PATCH")
    headers = {} if header is None else {"if-match": header}
    answer = _call(app, "PATCH", principal=KEY, headers=headers)
    assert answer.status == status
    if status == 200:
        assert answer.json() == {"v": version}
    assert etag(3) == '"v3"'


def test_a_command_is_known_by_key_route_and_body() -> None:
    seen = []

    def act(request: Request) -> Reply:
        seen.append((request.optional_command(), request.headers.get("idempotency-key")))
        return Reply({}, 201)

    app = _with(act, method="POST")
    _call(app, "POST", principal=KEY, body={"a": 1})
    for body in ({"a": 1}, {"a": 1}, {"a": 2}):
        _call(app, "POST", principal=KEY, body=body, headers={"idempotency-key": "k"})
    none, one, same, other = (command for command, _ in seen)
    assert none is None
    assert one == same
    assert other is not None
    assert one is not None
    assert other.identity == one.identity
    assert other.body_hash != one.body_hash


# ---------------------------------------------------------------------------- answers


def test_every_answer_carries_the_security_headers() -> None:
    for answer in (
        _call(_with(_fine), principal=KEY),
        _call(_with(_fine)),
        _call(_app(), path="/nowhere"),
    ):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "max-age=" in answer.headers["strict-transport-security"]
        assert len([name for name in answer.raw["headers"] if name.lower() == "content-type"]) == 1


def test_cookies_and_bytes_go_out_as_payload_two_wants_them() -> None:
    def act(_request: Request) -> Reply:
        return Reply(
            b"\x00\xff",
            200,
            {"X-Name": "a"},
            "application/octet-stream",
            ("a=1; Path=/; HttpOnly", "b=2; Path=/"),
        )

    answer = _call(_with(act), principal=KEY)
    assert answer.raw["isBase64Encoded"] is True
    assert answer.raw["body"] == "AP8="
    assert list(answer.cookies) == ["a=1; Path=/; HttpOnly", "b=2; Path=/"]
    assert "set-cookie" not in answer.headers
    assert answer.headers["x-name"] == "a"


def test_models_texts_and_nothing_are_bodies() -> None:
    class Out(EdgeModel):
        """An answer."""

        name: str

    for body, text in ((Out(name="ö"), '{"name":"ö"}'), ("x", "x"), (None, ""), ([1], "[1]")):

        def act(_request: Request, body: Any = body) -> Reply:
            return Reply(body)

        assert _call(_with(act), principal=KEY).body == text


def test_a_redirect_is_see_other() -> None:
    reply = redirect("/x?a=b", cookies=("c=1",))
    assert (reply.status, reply.headers, reply.cookies) == (303, {"location": "/x?a=b"}, ("c=1",))


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFoundError("not_found", "No."), 404),
        (ConflictError("conflict", "No."), 409),
        (ValidationError("invalid_input", "No."), 422),
        (TooManyRequestsError("rate_limited", "No.", retry_after=7), 429),
        (UnauthorizedError("sign_in_refused", "No."), 401),
    ],
)
def test_our_errors_are_problems(error: KopruError, status: int) -> None:
    def fail(_request: Request) -> Reply:
        raise error

    answer = _call(_with(fail), principal=KEY)
    body = answer.json()
    assert (answer.status, body["status"], body["code"]) == (status, status, error.code)
    assert body["type"] == f"{BASE}/problems/{error.code}"
    assert body["trace_id"] == "req-000000000001"
    assert answer.headers.get("retry-after") == ("7" if status == 429 else None)


def test_a_bug_says_nothing_but_its_number(capsys: pytest.CaptureFixture[str]) -> None:
    def fail(_request: Request) -> Reply:
        raise RuntimeError("password=geheim")

    answer = _call(_with(fail), principal=KEY)
    assert (answer.status, answer.json()["code"]) == (500, "internal_error")
    assert "geheim" not in answer.body
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert line["error_class"] == "RuntimeError"
    assert line["correlation_id"] == "req-000000000001"


def test_a_page_problem_is_a_page_and_speaks_the_language() -> None:
    def fail(_request: Request) -> Reply:
        raise NotFoundError("not_found", "No.")

    def page(_request: Request, status: int, body: Mapping[str, Any]) -> Reply:
        return Reply(f"<h1>{status} {body['detail']}</h1>", status, content_type="text/html")

    def translate(error: KopruError, language: str) -> str:
        return f"{error.code} in {language}"

    app = _with(fail, path="/jobs", kind="page", error_page=page, translate=translate)
    answer = _call(app, path="/jobs", principal=PERSON)
    assert (answer.status, answer.body) == (404, "<h1>404 not_found in el</h1>")
    nowhere = _call(app, path="/nowhere", headers={"accept": "text/html", "accept-language": "tr"})
    assert nowhere.body == "<h1>404 not_found in tr</h1>"
    api = _call(app, path="/v1/nowhere", headers={"accept": "text/html"})
    assert api.headers["content-type"] == "application/problem+json"


def test_links_of_problems_ignore_the_host_a_client_sends() -> None:
    answer = _call(
        _with(_fine), headers={"host": "evil.example", "x-forwarded-host": "evil.example"}
    )
    assert "evil.example" not in answer.body


def test_head_is_answered_like_get_and_other_methods_are_not_there() -> None:
    app = _with(_fine)
    assert _call(app, "HEAD", principal=KEY).status == 200
    assert _call(app, "DELETE", principal=KEY).status == 404


def test_a_request_knows_nothing_of_the_one_before(capsys: pytest.CaptureFixture[str]) -> None:
    def fail(_request: Request) -> Reply:
        raise RuntimeError("x")

    app = _with(fail)
    _call(app, principal=KEY)
    app_two = Principal("api_key", "K2", "T2", scopes=("workspace:*:*",))
    _call(app, principal=app_two)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["tenant_id"] for line in lines] == ["T1", "T2"]


def test_declared_routes_can_be_listed() -> None:
    app = _app()
    app.api("GET", "/v1/a/{id}", permission="workspace:a:read")(_fine)
    app.page("POST", "/a", permission=None)(_fine)
    assert [(spec.method, spec.path, spec.kind, spec.permission) for spec in app.routes] == [
        ("GET", "/v1/a/{id}", "api", "workspace:a:read"),
        ("POST", "/a", "page", None),
    ]


def test_pages_are_declared_when_the_first_one_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    declared: list[HttpApp] = []

    def declare(app: HttpApp) -> None:
        declared.append(app)
        app.page("GET", "/late", permission=None)(lambda _: Reply("late", content_type="text/html"))

    monkeypatch.setitem(sys.modules, "late_pages", SimpleNamespace(declare=declare))
    app = _app()
    app.api("GET", "/v1/early", permission=None)(_fine)
    app.pages("late_pages")
    for path in ("/v1/early", "/v1/late"):
        invoke(app.handler, http_event("GET", path))
    assert declared == []
    for _ in range(2):
        assert invoke(app.handler, http_event("GET", "/late")).body == "late"
    assert [spec.path for spec in app.routes] == ["/v1/early", "/late"]
    assert declared == [app]
