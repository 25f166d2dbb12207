"""The use cases of the workspace over fakes: no AWS, no network, milliseconds."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from kernel.sensitive import Email, Secret
from tests.support.aws import START
from tests.support.fakes.workspace import MemorySystemStore
from tests.support.fakes.workspace_services import (
    CountingTokens,
    FakeMailer,
    MemoryThrottle,
    PlainFactors,
    PlainHasher,
)
from tests.support.fakes.workspace_unit import MemoryState
from tests.support.scanner import CANARY_PASSWORD
from toolkit.auth import TenantContext
from toolkit.aws.dynamodb import Tables
from toolkit.platform import Platform
from toolkit.settings import CommonSettings
from workspace.application.invite_user import PersonEntry
from workspace.bootstrap import Application, build
from workspace.domain.message import Message
from workspace.domain.tenant import Tenant
from workspace.domain.user import Person
from workspace.settings import WorkspaceSettings

PASSWORD = Secret(CANARY_PASSWORD)


@dataclass
class Desk:
    """The application and everything behind it."""

    app: Application
    state: MemoryState
    clock: FixedClock
    hasher: PlainHasher
    tokens: CountingTokens
    throttle: MemoryThrottle
    mailer: FakeMailer

    def context(self, tenant: Tenant, actor: str = "user:somebody") -> TenantContext:
        """Tenant context."""
        return TenantContext(tenant.id, actor, "corr")

    def tenant(self, name: str = "Yıldız Ltd") -> Tenant:
        """A company without people."""
        made = self.app.create_tenant()(
            actor="key:op",
            correlation_id="corr",
            name=name,
            language="tr",
            zone="Europe/Istanbul",
            owner=None,
            with_key=False,
        )
        return made.tenant

    def person(
        self, tenant: Tenant, role: str = "owner", email: str | None = None, language: str = "tr"
    ) -> Person:
        """An active member with a password."""
        return self.app.install_user()(
            self.context(tenant),
            email=Email(email or f"{role}@ornek.example"),
            name=f"Deniz {role.capitalize()}",
            roles=[role],
            language=language,
            password=PASSWORD,
        )

    def invite(self, tenant: Tenant, email: str = "yeni@ornek.example", **more: object) -> str:
        """Invite somebody; returns the person's id."""
        values: dict[str, object] = {
            "email": Email(email),
            "name": "Yeni Kişi",
            "roles": ["payroll"],
            "language": "tr",
        }
        member = self.app.invite_user()(self.context(tenant), **{**values, **more})  # type: ignore[arg-type]
        return member.person_id

    def entry(self, email: str = "sahip@ornek.example") -> PersonEntry:
        """Somebody as an inviter knows them."""
        return PersonEntry(Email(email), "İlk Sahip", "tr")

    def run_mail(self, remaining: float = 30.0) -> None:
        """Carry out all mail orders."""
        while self.state.orders:
            order = self.state.orders.pop(0)
            if "reset_id" in order:
                self.app.start_password_reset()(order["reset_id"])
            else:
                self.app.send_mail()(order["tenant_id"], order["message_id"], lambda: remaining)

    def token(self) -> Secret:
        """Token of the last mail's link."""
        return Secret(self.mailer.sent[-1].link.rpartition("/")[2])

    def message(self) -> Message:
        """The newest mail."""
        return self.state.messages[max(self.state.messages, key=lambda key: key[1])]

    def later(self, **delta: float) -> None:
        """Let time pass."""
        self.clock.advance(timedelta(**delta))


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    """An empty desk at the beginning of the day."""
    clock, ids = FixedClock(START), SequenceIds(at=START)
    common = CommonSettings(
        stage="local",
        base_url="http://localhost:8000",
        tables=Tables("c", "l", "f", "s", "a", "e"),
        bus="b",
        queue_prefix="https://queues.example/kopru-",
        files_bucket="f",
        raw_bucket="r",
        credentials_key="k",
        app_secret="s",
        clock_file="",
    )
    settings = WorkspaceSettings(
        common,
        "kopru@example.com",
        "set",
        seal_bucket="s",
        stack="kopru",
    )
    state = MemoryState(clock, ids)
    hasher, tokens, throttle, mailer = (
        PlainHasher(),
        CountingTokens(),
        MemoryThrottle(),
        FakeMailer(),
    )
    # Keys are derived by the application secret, which a desk has not.
    monkeypatch.setattr(Application, "code_digest", lambda _, step, code: f"{step}/{code}")
    app = build(
        settings,
        platform=Platform(common, clock=clock, ids=ids),
        hasher=hasher,
        tokens=tokens,
        mailer=mailer,
        store=MemorySystemStore(state),
        throttle=throttle,
        factors=PlainFactors(),
        numbers=lambda number, national_id: f"{number}/{national_id.reveal('fake')[-4:]}",
    )
    return Desk(app, state, clock, hasher, tokens, throttle, mailer)
