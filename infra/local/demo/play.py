"""Plays the whole pensions path on the demo payroll through the HTTP API, as a client would.

Three companies, six contracts, 220 people: file → insurer → policy numbers → contributions → bank
order. Nothing is written behind the API's back; what it shows is what a user would get.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from infra.local.client import LocalClient
from infra.local.demo.payroll import Demo, DemoCompany, DemoContract, DemoFile, make_demo

_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FINAL: Final = frozenset({"succeeded", "partially_succeeded", "failed", "cancelled"})
_PATIENCE_SECONDS: Final = 180.0
_POLICY_DELAY: Final = "PT2M"  # the asynchronous insurers answer after half a minute of their time


class DemoFailedError(RuntimeError):
    """The path did not end as it should; the message says where."""


@dataclass(frozen=True, slots=True)
class Played:
    """What came of one contract."""

    company: str
    provider_code: str
    created: int
    invalid: int
    enrolled: int
    total: str
    payable: str
    due_on: str
    order_file: Path | None


@dataclass(slots=True)
class Api:
    """A client of the product with one company's key."""

    client: httpx.Client
    key: str
    commands: int = 0

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """One request. Raises: DemoFailedError with the problem's words."""
        self.commands += 1
        answer = self.client.request(
            method,
            path,
            json=body,
            content=content,
            headers={"authorization": f"Bearer {self.key}", **(headers or {})},
        )
        if answer.status_code >= 400:
            raise DemoFailedError(f"{method} {path}: {answer.status_code} {answer.text[:600]}")
        return answer

    def command(self, path: str, body: Any) -> str:
        """A command that sends or moves money; gives the job's id."""
        key = f"demo-{time.time_ns()}-{self.commands}"
        answer = self.call("POST", path, body, headers={"idempotency-key": key})
        return str(answer.json()["id"])

    def wait(self, job_id: str, progress: Progress, label: str) -> dict[str, Any]:
        """Follow a job to its end with a progress bar."""
        task = progress.add_task(label, total=None)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            job: dict[str, Any] = self.call("GET", f"/v1/jobs/{job_id}").json()
            if job["total"]:
                progress.update(task, total=job["total"], completed=job["done"])
            if job["status"] in _FINAL:
                total = job["total"] or 1
                progress.update(task, total=total, completed=total)
                return job
            time.sleep(0.2)
        raise DemoFailedError(f"{label}: the job {job_id} did not end in time")


@dataclass(slots=True)
class Player:
    """Plays the demo against a running stack."""

    base_url: str
    operator_key: str
    owner_email: str
    local: LocalClient
    out: Path
    console: Console = field(default_factory=Console)

    def play(self, demo: Demo | None = None) -> list[Played]:
        """The whole path for all companies. Raises: DemoFailedError."""
        chosen = demo or make_demo()
        self.out.mkdir(parents=True, exist_ok=True)
        results: list[Played] = []
        with httpx.Client(base_url=self.base_url, timeout=30, trust_env=False) as client:
            for company in chosen.companies:
                self.console.rule(f"[bold]{company.title}[/] · {company.employees} kişi / people")
                api = Api(client, self._open(client, company))
                for contract in company.contracts:
                    results.append(self._contract(api, chosen, company, contract))
        self._summary(results)
        return results

    def _open(self, client: httpx.Client, company: DemoCompany) -> str:
        operator = Api(client, self.operator_key)
        answer = operator.call(
            "POST",
            "/v1/tenants",
            {
                "name": company.title,
                "owner": {"email": self.owner_email, "name": "Demo Owner"},
                "issue_api_key": True,
            },
        ).json()
        return str(answer["api_key"]["secret"])

    def _contract(
        self, api: Api, demo: Demo, company: DemoCompany, contract: DemoContract
    ) -> Played:
        contract_id = self._register(api, contract)
        base = f"/v1/pensions/contracts/{contract_id}"
        files = [
            file
            for file in demo.files
            if file.provider_code == contract.provider_code
            and file.path.startswith(f"{company.slug}/")
            and str(demo.period) in file.path
        ]
        with self._bars() as progress:
            name = contract.provider_code
            people = self._import(api, base, files, "employees", demo, progress, name)
            api.wait(
                api.command(f"{base}/submissions", {"all": True}),
                progress,
                f"{name}: gönder / send",
            )
            self._until_answered(api, base, progress, name)
            self._import(api, base, files, "contributions", demo, progress, name)
            month = {"year": demo.period.year, "month": demo.period.month}
            api.wait(
                api.command(f"{base}/contribution-submissions", month),
                progress,
                f"{name}: tahsilat / collect",
            )
            self._until_answered(api, base, progress, name, demo)
        return self._finish(api, base, demo, company, contract, people)

    def _register(self, api: Api, contract: DemoContract) -> str:
        body = {
            "provider_code": contract.provider_code,
            "contract_code": contract.contract_code,
            "contract_no": contract.contract_no,
            "payroll_contract_no": contract.payroll_contract_no,
            "min_deduction_rate": contract.min_deduction_rate,
            "starts_on": contract.starts_on.isoformat(),
            "pay_days": list(contract.pay_days),
        }
        registered = api.call("POST", "/v1/pensions/contracts", body)
        contract_id = str(registered.json()["id"])
        base = f"/v1/pensions/contracts/{contract_id}"
        if contract.contract_no != contract.payroll_contract_no:
            self.console.print(
                f"  [yellow]{contract.provider_code}[/]: payroll says "
                f"{contract.payroll_contract_no}, the contract {contract.contract_no}: corrected"
            )
            api.call(
                "PATCH",
                base,
                {"payroll_contract_no": contract.contract_no},
                headers={"if-match": registered.headers["etag"]},
            )
        credentials = {"username": f"{contract.provider_code}-user", "password": "demo-Parola-1"}
        api.call("PUT", f"{base}/credentials", credentials)
        check = api.call("POST", f"{base}/credentials/test").json()
        if not check["ok"]:
            raise DemoFailedError(f"{contract.provider_code}: credentials refused: {check}")
        return contract_id

    def _import(
        self,
        api: Api,
        base: str,
        files: list[DemoFile],
        kind: str,
        demo: Demo,
        progress: Progress,
        name: str,
    ) -> dict[str, Any]:
        file = next(item for item in files if item.kind == kind)
        content_type = _XLSX if file.path.endswith(".xlsx") else "text/csv"
        query = f"?year={demo.period.year}&month={demo.period.month}"
        answer = api.call(
            "POST",
            f"{base}/{kind}/imports{query if kind == 'contributions' else ''}",
            content=file.content,
            headers={"content-type": content_type},
        )
        job = api.wait(str(answer.json()["id"]), progress, f"{name}: {Path(file.path).name}")
        if job["status"] == "failed":
            raise DemoFailedError(f"{file.path}: {job['problems'][:3]}")
        for problem in job["problems"][:4]:
            progress.console.print(
                f"    [yellow]{file.path}:{problem.get('line', '')}[/] "
                f"{problem.get('field', '')} {problem['code']}: {problem['message']}"
            )
        return job

    def _until_answered(
        self, api: Api, base: str, progress: Progress, name: str, demo: Demo | None = None
    ) -> None:
        """Ask until nobody is on the way; asynchronous insurers need time to pass."""
        for _ in range(6):
            if not self._on_the_way(api, base, demo):
                return
            self.local.post("clock", {"advance": _POLICY_DELAY})
            answer = api.call("POST", f"{base}/status-refreshes", {})
            api.wait(str(answer.json()["id"]), progress, f"{name}: durum / status")
        raise DemoFailedError(f"{name}: the insurer did not answer about everybody")

    def _on_the_way(self, api: Api, base: str, demo: Demo | None) -> bool:
        if demo is not None:
            query = f"year={demo.period.year}&month={demo.period.month}"
            summary = api.call("GET", f"{base}/contributions?{query}").json()["summary"]
            return not summary["final"]
        return any(
            api.call("GET", f"{base}/employees?status={status}&limit=1").json()["items"]
            for status in ("sending", "unknown")
        )

    def _finish(
        self,
        api: Api,
        base: str,
        demo: Demo,
        company: DemoCompany,
        contract: DemoContract,
        people: dict[str, Any],
    ) -> Played:
        counts = people["result"]["counts"]
        summary = api.call("GET", f"{base}/employees?limit=1").json()["summary"]
        remittance = api.call("GET", f"{base}/remittances/{demo.period}").json()
        order = api.call("GET", f"{base}/remittances/{demo.period}?format=pain001").content
        path = self.out / f"{company.slug}-{contract.provider_code}-{demo.period}.xml"
        path.write_bytes(order)
        month = f"year={demo.period.year}&month={demo.period.month}"
        totals = api.call("GET", f"{base}/contributions?{month}").json()["summary"]
        return Played(
            company=company.title,
            provider_code=contract.provider_code,
            created=counts.get("created", 0),
            invalid=counts.get("invalid", 0) + counts.get("duplicate", 0),
            enrolled=summary["policies"],
            total=totals["total"]["amount"],
            payable=remittance["payable"]["amount"],
            due_on=remittance["due_on"],
            order_file=path,
        )

    @contextmanager
    def _bars(self) -> Iterator[Progress]:
        columns = (
            TextColumn("  {task.description:<44}"),
            BarColumn(bar_width=28),
            TextColumn("{task.completed:.0f}"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console) as progress:
            yield progress

    def _summary(self, results: list[Played]) -> None:
        table = Table(title="Banka ödeme emirleri / bank orders")
        for name in ("Insurer", "New", "To fix", "Policies", "Total", "Payable", "Due"):
            numeric = name in {"Total", "Payable"}
            table.add_column(name, justify="right" if numeric else "left", no_wrap=True)
        for item in results:
            table.add_row(
                item.provider_code,
                str(item.created),
                str(item.invalid),
                str(item.enrolled),
                item.total,
                item.payable,
                item.due_on,
            )
        self.console.print(table)
        self.console.print(f"pain.001 files: {self.out}")


def credentials_of(folder: Path) -> dict[str, Any]:
    """What the stack wrote at its start. Raises: DemoFailedError when there is nothing."""
    path = folder / "credentials.json"
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DemoFailedError(f"{path} is not there; start the stack first") from error
    return found
