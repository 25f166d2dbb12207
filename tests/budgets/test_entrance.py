"""Exact AWS calls of the way in per use case, committed in ``entrance.json``.

Units: HTTP attempts to AWS when nothing goes wrong. A new call must change the file, and be seen in
review; ``KOPRU_WRITE_BUDGETS=1`` writes it anew.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from kernel.sensitive import Email, Secret
from tests.budgets.committed import check_committed
from tests.budgets.counts import count
from tests.crash.test_entrance import SIGN_UP, Door
from tests.support.aws import START, aws_world, platform_of
from tests.support.builders import workspace_world
from tests.support.faults import switched_on
from tests.support.oidc import Issuer
from tests.support.scanner import SCANNER
from toolkit.auth import TenantContext
from workspace.domain.second_factor import code_at, secret_of, step_of

pytestmark = pytest.mark.slow
FILE: Final = Path(__file__).with_name("entrance.json")
Act = Callable[[], Any]


@pytest.fixture
def door() -> Iterator[Door]:
    """A company with an owner."""
    with aws_world() as aws:
        clock, ids = FixedClock(START), SequenceIds(at=START)
        platform = platform_of(aws, clock=clock, ids=ids)
        with workspace_world(aws, platform, clock) as world, switched_on(clock):
            owner = world.company(roles=("owner",)).members["owner"]
            yield Door(aws, world, world.operator()[1], owner.email, owner.password)


def _sign_up(door: Door) -> Act:
    return lambda: door.world.call("POST", "/v1/signups", body=SIGN_UP)


def _approve(door: Door) -> Act:
    _sign_up(door)()
    (waiting,) = door.kinds("signup")
    return lambda: door.world.call("POST", f"/v1/signups/{waiting['id']}/approve", door.operator)


def _mail(door: Door) -> Act:
    _approve(door)()
    return door.world.run_mail


def _enter(door: Door) -> Act:
    body = {"email": door.email, "password": door.password}
    return lambda: door.world.call("POST", "/v1/sessions", body=body, shows="own name")


def _with_factor(door: Door) -> str:
    app = door.world.app
    (person_id,) = (row["id"] for row in door.kinds("person"))
    person = app.store.person(person_id)
    secret = SCANNER.secret(app.start_second_factor()(person).secret.reveal("test"))
    code = code_at(secret_of(secret), step_of(door.world.clock.now()))
    app.confirm_second_factor()(person, "0" * 64, code)
    return secret


def _ask(door: Door) -> Act:
    _with_factor(door)
    return _enter(door)


def _finish(door: Door) -> Act:
    secret = _with_factor(door)
    step = _enter(door)().json()
    code = code_at(secret_of(secret), step_of(door.world.clock.now()) + 1)
    body = {"token": step["token"], "code": code}
    path = "/v1/sessions/second-factor"
    return lambda: door.world.call("POST", path, body=body, shows="own name")


def _authorize(door: Door) -> Act:
    cookie = _enter(door)().cookies[0].partition(";")[0]
    return lambda: door.world.authorize(cookies=(SCANNER.secret(cookie),))


def _come_back(door: Door) -> Act:
    issuer = Issuer(door.world.clock)
    door.world.app.own_provider = issuer.provider()
    trip, departure = door.world.app.start_hosted_sign_in()()
    back = issuer.grant(departure, email=door.email)
    return lambda: door.world.app.finish_hosted_sign_in()(
        trip,
        state=back["state"],
        code=Secret(back["code"]),
        source_ip="203.0.113.7",
        user_agent="tests",
    )


def _authorize_token(door: Door) -> Act:
    _come_back(door)()
    issuer = Issuer(door.world.clock)
    token = SCANNER.secret(issuer.sign(issuer.access_claims()))
    return lambda: door.world.authorize(bearer=token)


def _visit(door: Door) -> Act:
    """An operator's request under a support grant: who asks, and that it is written down."""
    app = door.world.app
    (tenant,) = door.kinds("tenant")
    people = [
        app.install_operator()(
            email=Email(f"{name}@op.example"),
            name="Destek Kişi",
            language="tr",
            password=Secret(door.password),
        )
        for name in ("bir", "iki")
    ]
    grant = app.ask_for_support()(
        people[0].id, tenant["id"], reason="Sayılar tutmuyor", hours=1, correlation_id="c"
    )
    context = TenantContext(tenant["id"], f"user:{people[1].id}")
    app.decide_support().approve(context, grant.id, people[1].id)
    body = {"email": "bir@op.example", "password": door.password}
    entered = door.world.call("POST", "/v1/sessions", body=body, shows="own name")
    cookie = SCANNER.secret(entered.cookies[0].partition(";")[0])
    return lambda: door.world.authorize(cookies=(cookie,), tenant=tenant["id"])


def _oversee(door: Door) -> Act:
    (person_id,) = (row["id"] for row in door.kinds("person"))
    return lambda: door.world.app.oversee_companies()(person_id, "0" * 64)


MEASURES: Final[dict[str, Callable[[Door], Act]]] = {
    "sign up": _sign_up,
    "approve a sign-up": _approve,
    "mail an activation": _mail,
    "sign in": _enter,
    "sign in with a second factor, first step": _ask,
    "sign in with a second factor, second step": _finish,
    "authorize a session": _authorize,
    "come back from the provider": _come_back,
    "authorize an access token": _authorize_token,
    "authorize a visit under a support grant": _visit,
    "oversee one company": _oversee,
}


@pytest.mark.parametrize("name", list(MEASURES))
def test_the_counts_are_the_committed_ones(door: Door, name: str) -> None:
    act = MEASURES[name](door)
    check_committed(FILE, name, count(act))


def test_a_request_costs_two_reads_to_know_who_asks() -> None:
    """The second factor and the policy are read with what was read before."""
    counts = json.loads(FILE.read_text(encoding="utf-8"))
    assert counts["authorize a session"]["reads"] == 2
    assert "transactions" not in counts["authorize a session"]
    assert counts["approve a sign-up"]["transactions"] == 1
    assert counts["sign in with a second factor, second step"]["kms"] == 1
