"""One company's pensions work over stores in memory and fake insurers: use cases without AWS.

Messages wait in ``waiting`` until ``work`` gives them to the use cases the queue handlers call.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

from kernel.business_days import Calendar
from kernel.clock import FixedClock
from kernel.files import UploadedFile
from kernel.ids import SequenceIds
from kernel.money import Money
from kernel.sensitive import Secret
from pensions.adapters.field_parsers import API_PARSERS, FILE_PARSERS
from pensions.adapters.import_files import TabularImportFiles
from pensions.application.context import Scope
from pensions.application.contracts import ContractFields, RegisterContract
from pensions.application.contributions import (
    CalculateContributions,
    ContributionFields,
    RowResult,
)
from pensions.application.credentials import StoreCredentials
from pensions.application.employees import AddEmployee
from pensions.application.imports import RunImport, StartImport
from pensions.application.prepare_submission import PrepareSubmission
from pensions.application.refresh_status import RefreshStatus, StartStatusRefresh
from pensions.application.release_held import ReleaseHeld
from pensions.application.send_to_insurer import SendToInsurer
from pensions.application.submissions import SubmitContributions, SubmitEmployees
from pensions.application.sweep import Sweep
from pensions.domain.contribution import Contribution
from pensions.domain.employee import Employee
from pensions.ports import JobView
from tests.support.aws import START
from tests.support.fakes.insurers import FakeInsurers
from tests.support.fakes.pensions_store import MemoryPensions, Sent
from tests.support.pensions_builders import JUNE, contract, fields_of
from toolkit.http.idempotency import Command

TENANT: Final = "TENANT-A"
PASSWORD: Final = "right-password"
EARNINGS: Final = Money(3_303_000, "TRY")
NO_HOLIDAYS: Final = Calendar("TR", {}, {})


class MemoryFiles:
    """``FileAccess`` in a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[str, UploadedFile] = {}

    def upload(self, upload_id: str) -> UploadedFile:
        """See ``FileAccess``."""
        return self.kept[upload_id]

    def keep_upload(self, upload_id: str, file: UploadedFile) -> None:
        """See ``FileAccess``."""
        self.kept[upload_id] = file

    def keep_export(self, export_id: str, file: UploadedFile) -> None:
        """See ``FileAccess``."""
        self.kept.setdefault(f"export:{export_id}", file)

    def download_link(self, export_id: str, filename: str) -> str:
        """See ``FileAccess``."""
        return f"https://files.example/{export_id}/{filename}"


class Office:
    """The company TENANT-A."""

    def __init__(self) -> None:
        self.clock = FixedClock(START)
        self.ids = SequenceIds(at=START)
        self.world = MemoryPensions(self.clock)
        self.insurers = FakeInsurers(self.clock.now)
        self.files: Any = MemoryFiles()
        self.scope = self.scope_of(TENANT)
        self.store = self.scope.store
        self.remaining = 60.0
        self._commands = 0

    def scope_of(self, tenant_id: str) -> Scope:
        """The world of the use cases of a tenant."""
        store = self.world.store(tenant_id)
        return Scope(store, self.clock, self.ids, lambda: NO_HOLIDAYS)

    # ------------------------------------------------------------------ what a user does

    def command(self) -> Command:
        """A new command with an own key."""
        self._commands += 1
        return Command("user:U1", "POST /x", f"key-{self._commands}", "hash")

    def contract(self, provider: str = "anadolu", **changes: Any) -> str:
        """Given: a contract with credentials; returns its id."""
        wanted = contract(provider_code=provider, **changes)
        fields = {name: getattr(wanted, name) for name in ContractFields.__slots__}
        contract_id = RegisterContract(self.scope)(ContractFields(**fields)).id
        self.insurers.script(provider, {"account": {"username": "ws", "password": PASSWORD}})
        StoreCredentials(self.scope)(contract_id, "ws", Secret(PASSWORD))
        self.world.messages.clear()
        return contract_id

    def people(self, contract_id: str, count: int, *, first: int = 1) -> list[str]:
        """Given: people who are ready; returns their ids."""
        add = AddEmployee(self.scope, API_PARSERS)
        numbers = range(first, first + count)
        return [add(contract_id, fields_of(number)).id for number in numbers]

    def submit(self, contract_id: str, ids: Sequence[str] | None = None) -> str:
        """Ask that people are sent; returns the job."""
        return SubmitEmployees(self.scope)(contract_id, ids, self.command()).job_id

    def enrolled(self, count: int, provider: str = "anadolu") -> tuple[str, list[str]]:
        """Given: a contract with enrolled people."""
        contract_id = self.contract(provider)
        ids = self.people(contract_id, count)
        self.submit(contract_id)
        self.work()
        return contract_id, ids

    def calculate(self, contract_id: str, ids: Sequence[str], **fields: Any) -> list[RowResult]:
        """Given: the contributions of June."""
        stated = {"earnings": EARNINGS, **fields}
        rows = [ContributionFields(identity, **stated) for identity in ids]
        return CalculateContributions(self.scope)(contract_id, JUNE, rows)

    def submit_month(self, contract_id: str) -> str:
        """Ask that the contributions of June are sent; returns the job."""
        return SubmitContributions(self.scope)(contract_id, JUNE, self.command()).job_id

    def import_file(
        self, contract_id: str, text: str, *, kind: str = "employees", **options: Any
    ) -> str:
        """Upload a CSV file and run its import; returns the job."""
        file = UploadedFile(text.encode(), "text/csv", "payroll.csv")
        start = StartImport(self.scope, self.files)
        job_id = start(contract_id, kind, file=file, **options).job_id
        self.work()
        return job_id

    # ------------------------------------------------------------------ what workers do

    def work(self) -> None:
        """Give every message to its use case until none is left.

        Raises: TryAgainError when a use case does not want its message acknowledged.
        """
        for _ in range(200):
            if not self.world.messages:
                return
            self.deliver(self.world.messages.pop(0))
        raise AssertionError("messages keep coming")

    def deliver(self, message: Sent) -> None:
        """One message to its use case."""
        scope, body = self.scope_of(message.tenant_id), message.body
        if message.name == "prepare" and "release_contract_id" in body:
            ReleaseHeld(scope)(body["release_contract_id"])
        elif message.name == "prepare":
            PrepareSubmission(scope)(body["job_id"], remaining=self._left)
        elif message.name == "refresh":
            RefreshStatus(scope, self.insurers)(
                body["contract_id"],
                body["job_id"],
                remaining=self._left,
                after=body.get("after", ""),
                asked=body.get("asked", ()),
            )
        elif message.name == "import":
            run = RunImport(scope, self.files, TabularImportFiles(), FILE_PARSERS)
            run(body["job_id"])
        else:
            SendToInsurer(scope, self.insurers)(body["transmission_id"], remaining=self._left)

    def _left(self) -> float:
        return self.remaining

    def refresh(self, contract_id: str) -> str:
        """Ask where everybody stands; returns the job."""
        return StartStatusRefresh(self.scope)(contract_id).job_id

    def sweep(self) -> int:
        """The minute sweep; number of rows that were given work."""
        return Sweep(self.world, self.clock, self.scope_of)().rows

    def later(self, **span: float) -> None:
        """Let time pass, with a sweep and its work at the end."""
        self.clock.advance(timedelta(**span))
        self.sweep()
        self.work()

    # ------------------------------------------------------------------ what is seen

    def person(self, employee_id: str) -> Employee:
        """One person as stored."""
        return self.store.employee(employee_id)

    def statuses(self, ids: Sequence[str]) -> list[str]:
        """Status words of people, in order."""
        return [self.person(identity).status.value for identity in ids]

    def month(self, contract_id: str) -> list[Contribution]:
        """Contributions of June."""
        return list(self.store.contributions(contract_id, JUNE))

    def job(self, job_id: str) -> JobView:
        """One job as stored."""
        found = self.store.job(job_id)
        assert found is not None
        return found

    def told(self, event_type: str) -> list[dict[str, Any]]:
        """Events of one type that were published."""
        return [dict(sent.body) for sent in self.world.events if sent.name == event_type]

    @property
    def today(self) -> date:
        """Business date of the company."""
        return self.scope.today()
