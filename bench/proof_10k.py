"""Proof with many rows: payroll file to policy numbers for 10,000 people, counted and compared.

``python -m bench.proof_10k [--people 10000]`` starts a local stack of its own, imports the people
in files of at most 2,000 rows, sends them to three simulated insurers of different dialects, waits
until everybody has a policy number, and then compares the insurers' own book with the API. It
prints wall times, SOAP calls against ``ceil(n / batch size)``, AWS requests per person and service,
and the largest memory of the workers, and writes ``build/bench/proof_10k.json``. Counts decide
whether the proof holds; seconds are for information.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from math import ceil
from pathlib import Path
from typing import Any, Final

from bench.stack import Company, ProofError, StackProcess, local, peak_rss
from infra.local.client import RunningStack, path_of
from infra.local.demo.payroll import make_payroll, payroll_file
from infra.local.settings import ROOT
from pensions.domain.provider_catalogue import PROVIDERS

SHARES: Final[Mapping[str, float]] = {"garanti": 0.45, "nn": 0.45, "avivasa": 0.10}
"""One insurer per dialect; the one that takes a person a call gets the tenth of the people."""

REPORT: Final = ROOT / "build" / "bench" / "proof_10k.json"
_FILE_ROWS: Final = 2_000
_POLL_SECONDS: Final = 0.5
_ROUNDS: Final = 12
_WORKERS: Final = ("run-import", "prepare-submission", "send-to-insurer", "refresh-status")


@dataclass(slots=True)
class Insurer:
    """What one insurer was sent and how it was called."""

    code: str
    contract_id: str
    people: int
    batch_size: int
    calls: int = 0
    least_calls: int = 0


@dataclass(slots=True)
class Proof:
    """Everything that was measured."""

    people: int
    seconds: dict[str, float] = field(default_factory=dict)
    insurers: list[Insurer] = field(default_factory=list)
    aws_requests: dict[str, dict[str, int]] = field(default_factory=dict)
    aws_per_person: dict[str, dict[str, float]] = field(default_factory=dict)
    peak_rss_kib: dict[str, int] = field(default_factory=dict)
    lost: int = 0
    doubled: int = 0
    different: int = 0
    unfinished: int = 0

    @property
    def holds(self) -> bool:
        """Whether nobody was lost, doubled or shown wrongly, in as few calls as possible."""
        wrong = self.lost + self.doubled + self.different + self.unfinished
        return wrong == 0 and all(each.calls == each.least_calls for each in self.insurers)


class Memory:
    """Watches the largest resident size of function processes, by function."""

    def __init__(self, stack: StackProcess) -> None:
        self._stack = stack
        self._done = threading.Event()
        self.peaks: dict[str, int] = {}
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(_POLL_SECONDS):
            for pid, name in self._stack.functions().items():
                short = name.partition("-pensions-")[2]
                if short in _WORKERS:
                    self.peaks[short] = max(self.peaks.get(short, 0), peak_rss(pid))


def prove(people: int, folder: Path, say: Any = print) -> Proof:
    """Run the whole proof in a folder of its own. Raises: ProofError where a step does not end."""
    proof = Proof(people)
    stack = StackProcess(folder)
    running = stack.start()
    try:
        operator_key = str(stack.credentials()["operator_key"])
        company = Company.opened(running, operator_key, "Kanıt Sanayi A.Ş.")
        with Memory(stack) as memory:
            _run(proof, company, running, say)
        proof.peak_rss_kib = dict(sorted(memory.peaks.items()))
        _compare(proof, company, stack)
        company.client.close()
    finally:
        stack.stop()
    return proof


def _run(proof: Proof, company: Company, running: RunningStack, say: Any) -> None:
    crowd = make_payroll(proof.people)
    for code, people in _parts(proof.people).items():
        contract_id = company.contract(code)
        batch_size = PROVIDERS[code].batch_size
        proof.insurers.append(
            Insurer(code, contract_id, people, batch_size, least_calls=ceil(people / batch_size))
        )
    with _phase(proof, running, "import", say):
        jobs = []
        for insurer in proof.insurers:
            base = f"/v1/pensions/contracts/{insurer.contract_id}/employees/imports"
            for start in range(0, insurer.people, _FILE_ROWS):
                rows = min(_FILE_ROWS, insurer.people - start)
                content = payroll_file([next(crowd) for _ in range(rows)])
                upload = company.upload(f"{insurer.code}-{start}.csv", "text/csv", content)
                jobs.append(company.call("POST", base, {"upload_id": upload}).json()["id"])
        created = sum(_created(company.job(job, patience=900)) for job in jobs)
        if created != proof.people:
            raise ProofError(f"{created} of {proof.people} people were imported")
    with _phase(proof, running, "send", say):
        jobs = [
            company.command(f"/v1/pensions/contracts/{each.contract_id}/submissions", {"all": True})
            for each in proof.insurers
        ]
        for job, insurer in zip(jobs, proof.insurers, strict=True):
            _until_sent(company, job, insurer)
    with _phase(proof, running, "policy_numbers", say):
        _until_enrolled(company, proof, running)
        for job in jobs:
            company.job(job, patience=300)
    for insurer in proof.insurers:
        state = local(running).get(path_of("simulators", insurer.code))
        insurer.calls = int(state["calls"].get("enrol", 0))


def _created(job: Mapping[str, Any]) -> int:
    if job["status"] != "succeeded":
        raise ProofError(f"an import ended as {job['status']}: {job['problems'][:3]}")
    return int(job["result"]["counts"].get("created", 0))


def _until_sent(company: Company, job_id: str, insurer: Insurer, patience: float = 1800) -> None:
    """Wait until nobody is being sent: who is left waits for an asynchronous insurer."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        job = company.call("GET", f"/v1/jobs/{job_id}").json()
        if job["done"] >= insurer.people:
            return
        time.sleep(_POLL_SECONDS)
    raise ProofError(f"{insurer.code}: people were still being sent when patience ended: {job}")


def _until_enrolled(company: Company, proof: Proof, running: RunningStack) -> None:
    """Let time pass and ask, as a user would press the button, until everybody has a policy."""
    for _ in range(_ROUNDS):
        waiting = []
        for each in proof.insurers:
            path = f"/v1/pensions/contracts/{each.contract_id}/employees?limit=1"
            if company.call("GET", path).json()["summary"]["policies"] < each.people:
                waiting.append(each)
        if not waiting:
            return
        local(running).post("clock", {"advance": "PT2M"})
        for each in waiting:
            path = f"/v1/pensions/contracts/{each.contract_id}/status-refreshes"
            company.job(str(company.call("POST", path, {}).json()["id"]), patience=600)
    raise ProofError("not everybody had a policy number at the end")


@contextmanager
def _phase(proof: Proof, running: RunningStack, name: str, say: Any) -> Iterator[None]:
    before = _counted(running)
    started = time.monotonic()
    yield
    proof.seconds[name] = round(time.monotonic() - started, 1)
    after = _counted(running)
    after.subtract(before)
    proof.aws_requests[name] = dict(sorted((key, n) for key, n in after.items() if n))
    services: Counter[str] = Counter()
    for key, number in after.items():
        services[key.partition(".")[0]] += number
    proof.aws_per_person[name] = {
        service: round(number / proof.people, 3) for service, number in services.items() if number
    }
    say(f"{name}: {proof.seconds[name]} s; AWS per person {proof.aws_per_person[name]}")


def _counted(running: RunningStack) -> Counter[str]:
    services = local(running).get("calls")["services"]
    return Counter(
        {f"{service}.{name}": n for service, ops in services.items() for name, n in ops.items()}
    )


def _parts(people: int) -> dict[str, int]:
    """How many people each insurer gets; the first takes the remainder."""
    parts = {code: int(people * share) for code, share in SHARES.items()}
    parts[next(iter(parts))] += people - sum(parts.values())
    return parts


def _compare(proof: Proof, company: Company, stack: StackProcess) -> None:
    """The insurers' own book against what the API shows, person by person."""
    for each in proof.insurers:
        accepted = stack.book(
            "SELECT national_id, policy_no FROM effects"
            " WHERE provider = ? AND kind <> 'collection' AND word = 'accepted'",
            (each.code,),
        )
        booked = {str(number): str(policy) for number, policy in accepted}
        proof.doubled += len(accepted) - len(booked)
        shown = {str(p["national_id"]): p for p in company.employees(each.contract_id)}
        proof.lost += each.people - len(shown) + len(booked.keys() ^ shown.keys())
        for number, person in shown.items():
            proof.unfinished += person["status"] != "enrolled"
            proof.different += person["policy_no"] != booked.get(number)


def report(proof: Proof) -> str:
    """The proof in words."""
    lines = [f"{proof.people} people, {sum(proof.seconds.values()):.0f} s: {proof.seconds}"]
    lines += [
        f"  {each.code}: {each.people} people, {each.calls} calls,"
        f" ceil(n / {each.batch_size}) = {each.least_calls}"
        for each in proof.insurers
    ]
    lines += [f"  AWS per person, {name}: {n}" for name, n in proof.aws_per_person.items()]
    lines += [f"  peak {name}: {kib / 1024:.1f} MiB" for name, kib in proof.peak_rss_kib.items()]
    lines.append(
        f"  lost {proof.lost}, doubled {proof.doubled}, different {proof.different},"
        f" unfinished {proof.unfinished}: {'holds' if proof.holds else 'DOES NOT HOLD'}"
    )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.proof_10k")
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--folder", type=Path, help="keep the stack's state in this new folder")
    parser.add_argument("--out", type=Path, default=REPORT, help="where the numbers go (JSON)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="kopru-proof-") as name:
        proof = prove(options.people, options.folder or Path(name) / "state")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    document = {**asdict(proof), "holds": proof.holds}
    options.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(report(proof))
    return 0 if proof.holds else 1


if __name__ == "__main__":
    sys.exit(main())
