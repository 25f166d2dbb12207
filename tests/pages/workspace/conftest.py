"""A company in which something of everything has happened, for the pages to show."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, timedelta
from typing import Any

import pytest

from kernel.clock import FixedClock
from kernel.events import Event
from kernel.sensitive import Email
from tests.support.aws import AwsWorld
from tests.support.builders import Company, WorkspaceWorld, workspace_world
from tests.support.events import Answer
from toolkit.auth import Principal, TenantContext
from toolkit.aws.dynamodb import Keyspace
from toolkit.aws.jobs import Jobs
from toolkit.aws.unit_of_work import UnitOfWork
from toolkit.platform import Platform
from workspace.domain.message import Message, MessageKind, MessageState

CONTRACT = "01KT16JKM00000000000000777"
LANGUAGES = ("tr", "el", "en")


@dataclass
class Scene:
    """The world, its company, and the ids of what the pages show."""

    world: WorkspaceWorld
    company: Company
    running: str = ""
    finished: str = ""
    open_incident: str = ""
    resolved_incident: str = ""
    invited: str = ""

    def reader(self, language: str, role: str = "owner", **changes: Any) -> Principal:
        """A member who reads in this language."""
        return replace(self.company.members[role].principal, language=language, **changes)

    def page(self, path: str, language: str, role: str = "owner", **event: Any) -> Answer:
        """A page as a member sees it."""
        return self.world.call("GET", path, self.reader(language, role), **event)

    def news(self, name: str, **data: Any) -> None:
        """One event of pensions."""
        self.world.app.project_event()(
            Event(
                id=self.world.app.platform.ids.new(),
                type=f"pensions.{name}.v1",
                source="kopru.pensions",
                time=self.world.clock.now().astimezone(UTC),
                tenant_id=self.company.id,
                subject=f"contract:{CONTRACT}",
                data=data,
            )
        )

    def job(self, status: str) -> str:
        """A job of pensions."""
        platform = self.world.app.platform
        keyspace = Keyspace("pen", self.company.id)
        jobs = Jobs(platform.database, keyspace)
        context = TenantContext(self.company.id, "system:test")
        unit = UnitOfWork(platform.machinery, keyspace, context)
        job_id = platform.ids.new()
        jobs.create(
            unit,
            job_id,
            "employees_import",
            subject=f"contract:{CONTRACT}",
            total=480,
            cancellable=True,
        )
        unit.commit()
        jobs.start(job_id)
        unit = UnitOfWork(platform.machinery, keyspace, context)
        jobs.advance(unit, job_id, done=312, failed=4)
        unit.unique("TEST", job_id, owner="x")
        unit.commit()
        if status != "running":
            unit = UnitOfWork(platform.machinery, keyspace, context)
            jobs.finish(
                unit,
                job_id,
                status,
                result={"created": 308},
                problems=[
                    {"row": 7, "code": "required", "field": "mobile"},
                    {"code": "something_new", "message": "Something new."},
                ],
            )
            unit.commit()
        return job_id


def _fill(scene: Scene) -> None:
    contract = {"subject": f"contract:{CONTRACT}", "contract_id": CONTRACT}
    scene.news(
        "AttentionRaised",
        key="employees_import:1",
        code="employees_import_problems",
        severity="medium",
        count=4,
        **contract,
    )
    scene.news(
        "AttentionRaised",
        key="x:1",
        code="something_new",
        severity="high",
        money_minor=104200,
        currency="TRY",
        **contract,
    )
    for key, due in (("due:1", "2026-06-01"), ("due:2", "2026-05-29"), ("due:3", "2026-06-09")):
        scene.news(
            "AttentionRaised",
            key=key,
            code="contribution_submission_problems",
            severity="low",
            due_on=due,
            money_minor=96800,
            currency="TRY",
            **contract,
        )
    scene.news(
        "AttentionRaised",
        key=f"credentials:{CONTRACT}",
        code="credentials_refused",
        severity="high",
        **contract,
    )
    scene.news("CredentialsRefused", contract_id=CONTRACT, provider_code="agesa", code="x")
    identities = []
    for number in (1, 2):
        scene.world.clock.advance(timedelta(minutes=number))
        identities.append(scene.world.app.platform.ids.new())
        scene.news(
            "IncidentOpened",
            incident_id=identities[-1],
            subject=f"transmission:{CONTRACT}",
            code="unknown_status",
            actor="operator",
            count=3,
            contract_id=CONTRACT,
            word="E-500",
        )
    scene.open_incident, scene.resolved_incident = identities
    scene.world.app.resolve_incident()(
        scene.company.context(f"user:{scene.company.members['owner'].id}"),
        scene.resolved_incident,
        "Sigortacı düzeltti.",
    )
    invited = scene.world.app.invite_user()(
        scene.company.context(),
        email=Email("yeni@ornek.example"),
        name="Yeni Kişi",
        roles=["payroll", "finance"],
        language="tr",
        until=date(2026, 12, 31),
    )
    scene.invited = invited.person_id
    scene.running, scene.finished = scene.job("running"), scene.job("partially_succeeded")
    unit = scene.world.app.store.company(scene.company.context()).unit()
    for state in MessageState:
        unit.add_message(
            Message(
                scene.world.app.platform.ids.new(),
                scene.company.id,
                MessageKind.INVITATION,
                scene.invited,
                "tr",
                state=state,
                to=Email("yeni@ornek.example"),
                opened=state is MessageState.DELIVERED,
                sent_at="2026-06-01T09:00:00.000000Z",
            )
        )
    unit.commit(dispatch=False)


@pytest.fixture
def scene(aws: AwsWorld, platform: Platform, clock: FixedClock) -> Iterator[Scene]:
    """A company full of things."""
    with workspace_world(aws, platform, clock) as world:
        made = Scene(world, world.company(roles=("owner", "payroll", "viewer")))
        _fill(made)
        yield made


@pytest.fixture
def empty(aws: AwsWorld, platform: Platform, clock: FixedClock) -> Iterator[Scene]:
    """A company in which nothing has happened."""
    with workspace_world(aws, platform, clock) as world:
        yield Scene(world, world.company(roles=("owner",)))
