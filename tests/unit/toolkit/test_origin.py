"""What came through CloudFront and what did not (security.md S17), and whose address it was."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.events import http_event, invoke
from tests.unit.toolkit.test_unsafe_switches import settings
from toolkit.auth import ANONYMOUS, Principal
from toolkit.entrypoints.authorizer import Proof, authorizer_handler, context_of
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.origin import HEADER, VISITOR, Origin, digest_of
from toolkit.settings import SettingsError

OLD, NEW = "o" * 64, "n" * 64
CHANGING = Origin((digest_of(NEW), digest_of(OLD)))
SETTLED = Origin((digest_of(NEW),))
WRONG: list[Mapping[str, str]] = [
    {},
    {HEADER: ""},
    {HEADER: "x" * 64},
    {HEADER: NEW[:-1]},
    {HEADER: f"{NEW}, {NEW}"},
    {HEADER: NEW + "\x00"},
    {HEADER: digest_of(NEW)},
    {HEADER: "n" * 4_000},
    {HEADER: "ñ" * 64},
    {"x-forwarded-for": NEW, "via": "1.1 cloudfront.net (CloudFront)"},
]


def _app(origin: Origin) -> HttpApp:
    app = HttpApp(
        "test",
        base_url=lambda: "https://app.kopru.example",
        csrf_key=lambda: b"key",
        origin=lambda: origin,
    )

    @app.api("GET", "/v1/visitor", permission=None)
    def visitor(request: Request) -> Reply:
        return Reply({"from": request.source_ip})

    return app


def _event(headers: Mapping[str, str], path: str = "/v1/visitor") -> dict[str, Any]:
    return http_event("GET", path, headers=headers, source_ip="130.176.0.1")


@pytest.mark.parametrize("headers", WRONG)
@pytest.mark.parametrize("origin", [SETTLED, CHANGING])
def test_anything_else_is_one_refusal(origin: Origin, headers: Mapping[str, str]) -> None:
    assert not origin.vouches_for(_event(headers))
    answer = invoke(_app(origin).handler, _event(headers))
    assert (answer.status, answer.json()["code"]) == (403, "origin_unknown")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"


def test_a_path_that_leads_nowhere_says_no_more() -> None:
    answer = invoke(_app(SETTLED).handler, _event({}, "/nowhere"))
    assert (answer.status, answer.json()["code"]) == (403, "origin_unknown")


def test_two_values_are_accepted_while_one_takes_the_place_of_the_other() -> None:
    for value in (NEW, OLD):
        assert invoke(_app(CHANGING).handler, _event({HEADER: value})).status == 200
    assert invoke(_app(SETTLED).handler, _event({HEADER: NEW})).status == 200
    assert invoke(_app(SETTLED).handler, _event({HEADER: OLD})).status == 403


def test_the_header_is_found_however_it_is_written() -> None:
    assert SETTLED.vouches_for({"headers": {HEADER.upper(): NEW}})
    assert not SETTLED.vouches_for({"headers": None})
    assert not SETTLED.vouches_for({})


def test_behind_cloudfront_its_word_names_the_visitor() -> None:
    claims = {"x-forwarded-for": "192.0.2.66", "forwarded": "for=192.0.2.66"}
    known = _event({HEADER: NEW, VISITOR: "203.0.113.9", **claims})
    assert invoke(_app(SETTLED).handler, known).json() == {"from": "203.0.113.9"}
    # Without CloudFront a client may write the header itself.
    local = _event({VISITOR: "203.0.113.9", **claims})
    assert invoke(_app(Origin(())).handler, local).json() == {"from": "130.176.0.1"}


# ------------------------------------------------------------------ the authorizer


def test_for_a_stranger_nothing_is_looked_up() -> None:
    asked = []
    somebody = Principal("api_key", "K1", "T1")

    def identify(proof: Proof) -> Principal | None:
        asked.append(proof)
        return somebody

    handler = authorizer_handler("test", lambda: SETTLED)(identify)
    refused = handler(_event({"authorization": "Bearer kopru_live_x"}), None)
    assert refused["context"] == context_of(ANONYMOUS)
    assert not asked
    known = _event({"authorization": "Bearer kopru_live_x", HEADER: NEW})
    assert handler(known, None)["context"] == context_of(somebody)


# ------------------------------------------------------------------ by stage


def test_locally_nothing_is_asked() -> None:
    assert settings("local").origin.vouches_for(_event({}))
    assert settings("local", KOPRU_ORIGIN_DIGESTS=digest_of(NEW)).origin == Origin(())


@pytest.mark.parametrize("stage", ["dev", "staging", "prod"])
def test_everywhere_else_it_is(stage: str) -> None:
    two = f"{digest_of(NEW)},{digest_of(OLD)}"
    assert settings(stage, KOPRU_ORIGIN_DIGESTS=two).origin == CHANGING
    one = settings(stage, KOPRU_ORIGIN_DIGESTS=digest_of(NEW)).origin
    assert one == SETTLED
    assert not one.vouches_for(_event({}))


@pytest.mark.parametrize("stage", ["dev", "staging", "prod"])
@pytest.mark.parametrize(
    "value",
    ["", "x", NEW, ",", f"{digest_of(NEW)},", ",".join([digest_of(NEW)] * 3), digest_of(NEW)[1:]],
)
def test_a_stage_that_does_not_know_its_door_answers_nobody(stage: str, value: str) -> None:
    with pytest.raises(SettingsError, match="KOPRU_ORIGIN_DIGESTS"):
        _ = settings(stage, KOPRU_ORIGIN_DIGESTS=value).origin
