"""Kill -9 of the local stack in the middle of a send: in the end everything is in a true state.

A real stack in processes of its own sends 600 people to two insurers that misbehave; it is killed
twice, at different moments, as a power cut would do it. What the insurers have in their book is
then what the API shows, nobody is there twice, and nothing is left lying about.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import boto3
import pytest

from bench.stack import FINAL, Company, StackProcess, local
from infra.local.client import RunningStack, path_of
from infra.local.cloud.presigned import SECRET_KEY
from infra.local.demo.payroll import make_payroll, payroll_file

pytestmark = [pytest.mark.slow, pytest.mark.loopback]

PEOPLE: Final = {"garanti": 360, "nn": 240}
REFUSED: Final = 3
LINES: Final = 100
IN_FLIGHT: Final = frozenset({"sending", "unknown", "ready"})
_ACCEPTED: Final = (
    "SELECT provider, national_id, policy_no FROM effects"
    " WHERE kind <> 'collection' AND word = 'accepted'"
)
_PATIENCE: Final = 30.0
_MINUTES: Final = (*[3] * 14, *[15] * 8, *[60] * 8)
"""Steps in which time passes; an insurer that says nothing is asked ever more rarely."""


@dataclass
class Scene:
    """The stack, the company at work on it, and its contracts."""

    stack: StackProcess
    running: RunningStack
    company: Company
    contracts: dict[str, str]
    jobs: list[str]

    def script(self, code: str, *behaviours: dict[str, Any]) -> None:
        """Queue misbehaviour of an insurer for its next enrolments."""
        script = {"next": [{"operation": "enrol", **each} for each in behaviours]}
        local(self.running).post(path_of("simulators", code), script)

    def kill_and_start_again(self) -> None:
        """No warning, no goodbye."""
        self.stack.kill()
        self.running = self.stack.start()
        self.company = self.company.at(self.running)

    def accepted(self) -> int:
        """How many lines the insurers have accepted so far."""
        return len(self.stack.book(_ACCEPTED))

    def statuses(self) -> dict[str, Counter[str]]:
        """How many people of each contract are in which state."""
        return {
            code: Counter(person["status"] for person in self.company.employees(contract_id))
            for code, contract_id in self.contracts.items()
        }


def wait_for(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited in vain for: {what}"
        time.sleep(0.02)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    stack = StackProcess(tmp_path / "state")
    running = stack.start()
    try:
        key = str(stack.credentials()["operator_key"])
        company = Company.opened(running, key, "Kesinti Sanayi A.Ş.")
        crowd = make_payroll(sum(PEOPLE.values()))
        contracts: dict[str, str] = {}
        imports = []
        for code, number in PEOPLE.items():
            contracts[code] = company.contract(code)
            content = payroll_file([next(crowd) for _ in range(number)])
            path = f"/v1/pensions/contracts/{contracts[code]}/employees/imports"
            headers = {"content-type": "text/csv"}
            imports.append(company.call("POST", path, content=content, headers=headers).json())
        for started in imports:
            assert company.job(started["id"], patience=60)["status"] == "succeeded"
        scene = Scene(stack, running, company, contracts, [])
        try:
            yield scene
        finally:
            scene.company.client.close()
    finally:
        stack.kill()


def test_two_kills_in_the_middle_of_a_send(scene: Scene) -> None:
    scene.script("garanti", {"kind": "slow", "seconds": 1.5}, {"kind": "lost_answer"})
    scene.script("nn", {"kind": "slow", "seconds": 1.5}, {"kind": "html_error"})
    for contract_id in scene.contracts.values():
        path = f"/v1/pensions/contracts/{contract_id}/submissions"
        scene.jobs.append(scene.company.command(path, {"all": True}))

    # The first kill: the insurers have taken lines whose answers are still on their way.
    wait_for(lambda: scene.accepted() > 0, "the first accepted line")
    scene.kill_and_start_again()
    scene.script("garanti", {"kind": "partial", "reject": REFUSED, "omit": 2})
    scene.script("nn", {"kind": "lost_answer"})

    # The second: answers are being written down, the rest waits in queues and leases.
    taken = scene.accepted()
    shown = sum(counts["enrolled"] for counts in scene.statuses().values())
    wait_for(
        lambda: (
            scene.accepted() > taken
            or sum(counts["enrolled"] for counts in scene.statuses().values()) > shown
        ),
        "work going on after the first kill",
    )
    scene.kill_and_start_again()

    settle(scene)
    everything_is_true(scene)
    nothing_is_left_lying_about(scene)


def settle(scene: Scene) -> None:
    """Let time pass: leases end, sweeps run, insurers are asked, until nobody is on the way.

    Unknown may stay what only a person can clear: a call that died before an insurer whose answer
    "I do not know it" is no proof took it, and a refusal nobody lived to read.
    """
    for minutes in _MINUTES:
        local(scene.running).post("clock", {"advance": f"PT{minutes}M"})
        if not any(counts.keys() & IN_FLIGHT for counts in scene.statuses().values()):
            return


def everything_is_true(scene: Scene) -> None:
    rows = scene.stack.book(_ACCEPTED)
    book = {(provider, number): policy for provider, number, policy in rows}
    assert len(rows) == len(book), "the insurers were made to take somebody twice"
    for code, contract_id in scene.contracts.items():
        people = list(scene.company.employees(contract_id))
        assert len(people) == PEOPLE[code]
        shown = {
            (code, person["national_id"]): person["policy_no"]
            for person in people
            if person["status"] == "enrolled"
        }
        # Whom the insurer has is never left unknown: asking finds them.
        assert shown == {key: policy for key, policy in book.items() if key[0] == code}
        others = Counter(p["status"] for p in people if p["status"] != "enrolled")
        assert others.keys() <= {"held", "unknown"}, others
        # At most one call to an insurer was on its way when a kill came, and there were two.
        assert others["held"] <= REFUSED, others
        assert others["unknown"] <= 2 * LINES, others
    for job_id in scene.jobs:
        assert scene.company.job(job_id)["status"] in FINAL


def nothing_is_left_lying_about(scene: Scene) -> None:
    queues = local(scene.running).get("queues")["items"]
    dead = {each["name"]: each["visible"] for each in queues if each["is_dead_letter_queue"]}
    assert dead
    assert set(dead.values()) == {0}, dead
    undelivered = [
        row["pk"]["S"]
        for row in table(scene.running, "flow")
        if "#OUT#" in row["pk"]["S"] and "due_pk" in row
    ]
    assert undelivered == []


def table(running: RunningStack, role: str) -> Iterator[dict[str, Any]]:
    """Every row of a table, read past the product."""
    client = boto3.client(
        "dynamodb",
        endpoint_url=running.aws_endpoint,
        region_name="eu-central-1",
        aws_access_key_id="local",
        aws_secret_access_key=SECRET_KEY,
    )
    (name,) = [
        name
        for name in client.list_tables()["TableNames"]
        if name.endswith(f"-{role.title()}Table")
    ]
    for page in client.get_paginator("scan").paginate(TableName=name):
        yield from page["Items"]
