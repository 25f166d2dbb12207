"""Sign-ups, activation mails and second steps under a fault at every call (reliability.md §10).

A schedule is (use case, mode, n), as for the other contexts. Afterwards a sign-up has opened one
company or none, a mail left at most once, and a code was used up together with its session.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from kernel.sensitive import Secret
from tests.support.aws import START, AwsWorld, aws_world, platform_of
from tests.support.builders import WorkspaceWorld, workspace_world
from tests.support.events import queue_event
from tests.support.fault_bench import FaultBench
from tests.support.faults import MODES, switched_on
from tests.support.lambda_context import LambdaContext
from tests.support.oidc import Issuer
from tests.support.pensions_builders import tckn
from tests.support.scanner import SCANNER
from toolkit.auth import Principal
from toolkit.tokens import digest
from workspace.application.entrance import SignedIn
from workspace.domain.second_factor import code_at, secret_of, step_of

SIGN_UP = {
    "company": "Başvuran Ltd",
    "tax_no": "4540536920",
    "name": "Aday Kişi",
    "email": "aday@ornek.example",
    "accountant_no": "MHN12",
    "national_id": tckn(7),
}


@dataclass
class Door:
    """The workspace, an operator, and somebody with a second factor."""

    aws: AwsWorld
    world: WorkspaceWorld
    operator: Principal
    email: str = ""
    password: str = ""
    secret: str = ""

    def minute(self) -> None:
        """The relay, and the mails it gave back."""
        from workspace.handlers import relay_outbox

        relay_outbox.handler({}, LambdaContext(remaining_ms=30_000))
        self.world.run_mail()

    def quiet(self) -> None:
        """Nothing waits in the outbox, and each entity has as many audit rows as its version."""
        rows = self.aws.rows("flow")
        assert [row for row in rows if "#OUT#" in row["pk"] and "due_pk" in row] == []
        audits = [row["pk"] for row in self.aws.rows("audit")]
        for row in self.aws.rows("core"):
            if row["sk"] == "META" and "audit_hash" in row:
                chain = f"#ENT#{row['kind']}:{row['id']}"
                assert sum(pk.endswith(chain) for pk in audits) == row["version"]

    def kinds(self, kind: str) -> list[dict[str, Any]]:
        """Entities of one kind."""
        return [row for row in self.aws.rows("core") if row.get("kind") == kind]

    def letters(self) -> int:
        """Mails whose link or code belongs to this schedule."""
        known = {row["pk"].rpartition("#")[2] for row in self.aws.rows("edge")}
        tokens = [link.rpartition("/")[2] for link in self.world.links()]
        return sum(digest(token) in known for token in tokens)


Bench = FaultBench[Door]


@pytest.fixture(scope="module")
def shared() -> Iterator[Bench]:
    """A sign-up that waits, and an owner whose second factor is in force."""
    with aws_world() as aws:
        clock, ids = FixedClock(START), SequenceIds(at=START)
        platform = platform_of(aws, clock=clock, ids=ids)
        with workspace_world(aws, platform, clock) as world, switched_on(clock):
            owner = world.company(roles=("owner",)).members["owner"]
            door = Door(aws, world, world.operator()[1], owner.email, owner.password)
            person = world.app.store.person(owner.id)
            made = world.app.start_second_factor()(person)
            door.secret = SCANNER.secret(made.secret.reveal("test"))
            code = code_at(secret_of(door.secret), step_of(clock.now()))
            world.app.confirm_second_factor()(person, "0" * 64, code)
            assert world.call("POST", "/v1/signups", body=SIGN_UP).status == 202
            bench = Bench(door, clock)
            bench.remember()
            yield bench


@pytest.fixture
def bench(shared: Bench) -> Iterator[Bench]:
    with shared.kept() as bench:
        yield bench


@pytest.mark.parametrize("mode", MODES)
def test_a_sign_up_opens_one_company(bench: Bench, mode: str) -> None:
    door = bench.world
    companies = len(door.kinds("tenant"))
    (waiting,) = door.kinds("signup")

    def act() -> bool:
        path = f"/v1/signups/{waiting['id']}/approve"
        answer = door.world.call("POST", path, door.operator)
        return answer.status == 200 or answer.json().get("code") == "signup_decided"

    def check() -> None:
        door.quiet()
        assert len(door.kinds("tenant")) == companies + 1
        (signup,) = door.kinds("signup")
        assert signup["state"] == "approved"
        mails = [row for row in door.kinds("message") if row["mail"] == "activation"]
        assert [mail["tenant_id"] for mail in mails] == [signup["tenant_id"]]
        numbers = [row for row in door.aws.rows("flow") if "#NUMBERS#" in row["pk"]]
        assert [row["owner"] for row in numbers] == [signup["person_id"]]

    assert bench.try_all(act, check, mode) >= 4


@pytest.mark.parametrize("mode", MODES)
def test_an_activation_is_mailed_at_most_once(bench: Bench, mode: str) -> None:
    door = bench.world
    (waiting,) = door.kinds("signup")
    path = f"/v1/signups/{waiting['id']}/approve"
    assert door.world.call("POST", path, door.operator).status == 200
    (body,) = door.aws.messages("workspace-send-mail")
    bench.remember()

    def act() -> bool:
        from workspace.handlers import send_mail

        answer = send_mail.handler(queue_event(body), LambdaContext(remaining_ms=30_000))
        return not answer["batchItemFailures"]

    def check() -> None:
        door.quiet()
        (mail,) = (row for row in door.kinds("message") if row["mail"] == "activation")
        assert mail["state"] in ("sent", "unknown")
        assert door.letters() == 1 if mail["state"] == "sent" else door.letters() <= 1

    assert bench.try_all(act, check, mode) >= 5


@pytest.mark.parametrize("mode", MODES)
def test_a_code_is_used_up_together_with_its_session(bench: Bench, mode: str) -> None:
    door = bench.world
    body = {"email": door.email, "password": door.password}
    step = door.world.call("POST", "/v1/sessions", body=body, shows="a step, once").json()
    code = code_at(secret_of(door.secret), step_of(bench.clock.now()) + 1)
    used = _factor(door)
    bench.remember()

    def act() -> bool:
        entry = {"token": step["token"], "code": code}
        path = "/v1/sessions/second-factor"
        answer = door.world.call("POST", path, body=entry, shows="own name")
        # A lost answer leaves the person without the cookie: they begin again.
        return answer.status in (201, 404, 422, 429)

    def check() -> None:
        door.quiet()
        sessions = [
            row
            for row in door.aws.rows("edge")
            if "#SESS#" in row["pk"] and row.get("second_factor")
        ]
        finished = [row for row in door.aws.rows("edge") if "#STEP#" in row["pk"] and row["used"]]
        assert len(sessions) == len(finished) <= 1
        assert (_factor(door) > used) is (len(sessions) == 1)

    assert bench.try_all(act, check, mode) >= 5


@pytest.mark.parametrize(
    "mode",
    [pytest.param(mode, marks=() if mode in ("KA", "LR") else pytest.mark.deep) for mode in MODES],
)
def test_an_account_elsewhere_is_linked_once_and_a_code_opens_one_session(
    bench: Bench, mode: str
) -> None:
    door = bench.world
    issuer = Issuer(bench.clock)
    door.world.app.own_provider = issuer.provider()
    door.world.app.__dict__.pop("provider", None)

    def act() -> bool:
        # Whoever hears nothing begins again: a code is good once.
        trip, departure = door.world.app.start_hosted_sign_in()()
        back = issuer.grant(departure, email=door.email)
        done = door.world.app.finish_hosted_sign_in()(
            trip,
            state=back["state"],
            code=Secret(back["code"]),
            source_ip="203.0.113.7",
            user_agent="tests",
        )
        return isinstance(done, SignedIn)

    def check() -> None:
        door.quiet()
        linked = [row for row in door.aws.rows("core") if "#SUBJECT#" in row["pk"]]
        (person,) = (row for row in door.kinds("person"))
        assert [row["person_id"] for row in linked] == [person["id"]]
        audits = [row for row in door.aws.rows("audit") if row["action"] == "person.account_linked"]
        assert len(audits) == 1
        sessions = [row for row in door.aws.rows("edge") if "#SESS#" in row["pk"]]
        assert {row["person_id"] for row in sessions} == {person["id"]}

    assert bench.try_all(act, check, mode) >= 5


def _factor(door: Door) -> int:
    """The newest half minute whose code was used."""
    (row,) = (row for row in door.aws.rows("core") if row["sk"] == "FACTOR")
    return int(row["last_step"])


def test_the_token_of_a_step_is_no_session(bench: Bench) -> None:
    door = bench.world
    body = {"email": door.email, "password": door.password}
    step = door.world.call("POST", "/v1/sessions", body=body, shows="a step, once").json()
    assert door.world.app.identify_session()(Secret(step["token"]), None) is None
