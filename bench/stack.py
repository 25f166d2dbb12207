"""A local stack in a process of its own, and a client of its API: what proofs and e2e tests share.

The stack can be killed as a power cut would do it, started again on the same folder, and asked what
it counted. The simulated insurers keep their book in a file of the folder; reading that file is the
only look behind the API, because the book is what the API is compared with.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from infra.local.client import LocalClient, NotRunningError, RunningStack
from infra.local.settings import ROOT

FINAL: Final = frozenset({"succeeded", "partially_succeeded", "failed", "cancelled"})
CSV: Final = "text/csv"
_ROOTS: Final = ("functions", "layers/common", "")
_PAGE: Final = 200


class ProofError(AssertionError):
    """The stack did not do what it must; the message says what."""


@dataclass(slots=True)
class StackProcess:
    """One local stack on one folder, in a process group of its own."""

    folder: Path
    patience: float = 60.0
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> RunningStack:
        """Start it and wait until the product answers. Raises: ProofError."""
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("KOPRU_")},
            "PYTHONPATH": os.pathsep.join(str(ROOT / root) for root in _ROOTS),
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.folder.with_name(f"{self.folder.name}.log")
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bench.stack_host", str(self.folder)],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        end = time.monotonic() + self.patience
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            # A killed stack leaves the announcement of its predecessor behind.
            with contextlib.suppress(NotRunningError):
                running = RunningStack.find(self.folder)
                if running.pid == self.process.pid:
                    return running
            time.sleep(0.05)
        raise ProofError(f"the stack did not start: {log.read_text(encoding='utf-8')[-2000:]}")

    def kill(self) -> None:
        """Kill the stack and every function process at once, as a power cut does."""
        if self.process is None:
            return
        victims = [self.process.pid, *descendants(self.process.pid)]
        for pid in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def stop(self) -> None:
        """Stop it as Ctrl-C does; kill it when that does not help."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
            self.process = None
        except subprocess.TimeoutExpired:
            self.kill()

    def credentials(self) -> dict[str, Any]:
        """What the seed wrote."""
        document: dict[str, Any] = json.loads(
            (self.folder / "credentials.json").read_text(encoding="utf-8")
        )
        return document

    def functions(self) -> dict[int, str]:
        """Running function processes by process id: the names of their functions."""
        if self.process is None:
            return {}
        found = {}
        for pid in descendants(self.process.pid):
            with contextlib.suppress(OSError):
                variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                names = [v for v in variables if v.startswith(b"AWS_LAMBDA_FUNCTION_NAME=")]
                if names:
                    found[pid] = names[0].partition(b"=")[2].decode()
        return found

    def book(self, sql: str, arguments: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Rows of the simulated insurers' own book, whether the stack runs or not."""
        path = self.folder / "data" / "simulators" / "insurers.sqlite3"
        with contextlib.closing(sqlite3.connect(path, timeout=10)) as book:
            return list(book.execute(sql, arguments))


def descendants(pid: int) -> list[int]:
    """All processes below one, by the process table."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError):
                stat = (entry / "stat").read_text(encoding="utf-8")
                parent = int(stat.rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def peak_rss(pid: int) -> int:
    """Largest resident size a process has had so far, in KiB; 0 when it is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return 0


@dataclass(slots=True)
class Company:
    """One company's view of the API."""

    client: httpx.Client
    key: str
    commands: int = field(default=0)

    @classmethod
    def opened(cls, running: RunningStack, operator_key: str, name: str) -> Company:
        """Open a company and take its key."""
        client = httpx.Client(base_url=running.base_url, timeout=60, trust_env=False)
        operator = cls(client, operator_key)
        made = operator.call(
            "POST",
            "/v1/tenants",
            {
                "name": name,
                "owner": {"email": "owner@proof.example", "name": "Proof Owner"},
                "issue_api_key": True,
            },
        ).json()
        return cls(client, str(made["api_key"]["secret"]))

    def at(self, running: RunningStack) -> Company:
        """The same company at a stack that was started again."""
        self.client.close()
        client = httpx.Client(base_url=running.base_url, timeout=60, trust_env=False)
        return Company(client, self.key, self.commands)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """One request, whatever its answer."""
        return self.client.request(
            method,
            path,
            json=body,
            content=content,
            headers={"authorization": f"Bearer {self.key}", **(headers or {})},
        )

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """One request that must succeed. Raises: ProofError."""
        answer = self.ask(method, path, body, **more)
        if answer.status_code >= 400:
            raise ProofError(f"{method} {path}: {answer.status_code} {answer.text[:600]}")
        return answer

    def command(self, path: str, body: Any) -> str:
        """A command that sends or moves money; gives its job's id."""
        self.commands += 1
        key = f"proof-{time.time_ns()}-{self.commands}"
        return str(self.call("POST", path, body, headers={"idempotency-key": key}).json()["id"])

    def contract(self, provider_code: str) -> str:
        """Register a contract with credentials; gives its id."""
        number = str(1_000_000 + sum(map(ord, provider_code)))
        made = self.call(
            "POST",
            "/v1/pensions/contracts",
            {
                "provider_code": provider_code,
                "contract_code": "001",
                "contract_no": number,
                "payroll_contract_no": number,
                "min_deduction_rate": "3.00",
                "starts_on": "2024-01-01",
                "pay_days": [5],
            },
        ).json()
        base = f"/v1/pensions/contracts/{made['id']}"
        credentials = {"username": f"{provider_code}-user", "password": "proof-Parola-1"}
        self.call("PUT", f"{base}/credentials", credentials)
        return str(made["id"])

    def upload(self, filename: str, content_type: str, content: bytes) -> str:
        """Put a file into the bucket by a presigned form; gives the upload's id."""
        room = self.call(
            "POST",
            "/v1/uploads",
            {"filename": filename, "content_type": content_type, "size": len(content)},
        ).json()
        with httpx.Client(timeout=60, trust_env=False) as client:
            sent = client.post(
                room["url"],
                data=room["fields"],
                files={"file": (filename, content, content_type)},
            )
        if sent.status_code >= 300:
            raise ProofError(f"the upload was refused: {sent.status_code} {sent.text[:400]}")
        return str(room["upload_id"])

    def job(self, job_id: str, patience: float = 300.0) -> dict[str, Any]:
        """A job at its end. Raises: ProofError when it does not come."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            found: dict[str, Any] = self.call("GET", f"/v1/jobs/{job_id}").json()
            if found["status"] in FINAL:
                return found
            time.sleep(0.2)
        raise ProofError(f"the job {job_id} did not end in {patience} s: {found}")

    def employees(self, contract_id: str) -> Iterator[dict[str, Any]]:
        """Everybody of a contract, page by page."""
        cursor = ""
        while True:
            path = f"/v1/pensions/contracts/{contract_id}/employees?limit={_PAGE}{cursor}"
            page = self.call("GET", path).json()
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            cursor = f"&cursor={page['next_cursor']}"


def local(running: RunningStack) -> LocalClient:
    """The control pages of a stack as methods."""
    return LocalClient(running)
