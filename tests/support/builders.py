"""Builders of things tests need: companies, people, sessions. Synthetic names and numbers only."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from kernel.clock import FixedClock
from kernel.parsing import format_instant
from kernel.sensitive import Email, Secret
from tests.support.aws import AwsWorld
from tests.support.events import Answer, http_event, invoke, queue_event, schedule_event
from tests.support.lambda_context import LambdaContext
from tests.support.scanner import CANARY_PASSWORD, SCANNER
from toolkit.auth import Principal, TenantContext
from toolkit.passwords import Argon2Passwords
from toolkit.platform import Platform
from webkit.assets import Assets
from workspace import bootstrap
from workspace.bootstrap import Application
from workspace.domain.tenant import Tenant

LINK: Final = re.compile(
    r"http://localhost:8000(/(?:invitations|task-links|activations|password-resets)/[A-Za-z0-9_-]+)"
)


@dataclass(frozen=True)
class Member:
    """Somebody of a company with a password."""

    id: str
    email: str
    password: str
    principal: Principal


@dataclass
class Company:
    """A company with its members by role and a key that may do everything."""

    tenant: Tenant
    members: dict[str, Member] = field(default_factory=dict)
    key: str = ""
    key_principal: Principal | None = None

    @property
    def id(self) -> str:
        """Tenant id."""
        return self.tenant.id

    @property
    def owner(self) -> Principal:
        """The owner's session."""
        return self.members["owner"].principal

    def context(self, actor: str = "system:test") -> TenantContext:
        """Tenant context of this company."""
        return TenantContext(self.id, actor, "test")


@dataclass
class WorkspaceWorld:
    """The workspace over an AWS world: its real handlers, its application, and ways to act."""

    aws: AwsWorld
    app: Application
    clock: FixedClock

    # ------------------------------------------------------------------ set up

    def company(
        self,
        name: str = "Yıldız Mali Müşavirlik",
        roles: tuple[str, ...] = ("owner",),
        *,
        language: str = "tr",
    ) -> Company:
        """A company with one member per role; its name carries the canary word of the tenant."""
        made = self.app.create_tenant()(
            actor="key:operator",
            correlation_id="test",
            name=name,
            language=language,
            zone="Europe/Istanbul",
            owner=None,
            with_key=True,
        )
        word = SCANNER.canary(made.tenant.id)
        tenant = self.app.change_tenant()(
            TenantContext(made.tenant.id, "system:test"), expected_version=1, name=f"{name} {word}"
        )
        company = Company(tenant)
        for role in roles:
            company.members[role] = self.member(company, role, language=language)
        assert made.key is not None
        assert made.secret is not None
        company.key = made.secret.reveal("test")
        SCANNER.secret(company.key)
        company.key_principal = Principal(
            "api_key", made.key.id, tenant.id, scopes=made.key.scopes, tenant_name=tenant.name
        )
        return company

    def member(self, company: Company, role: str, *, language: str = "tr") -> Member:
        """An active member with a password."""
        word = SCANNER.canary(company.id).lower()
        email = f"{role}@{word}.example"
        person = self.app.install_user()(
            company.context(),
            email=Email(email),
            name=f"Deniz {role.capitalize()}",
            roles=[role],
            language=language,
            password=Secret(CANARY_PASSWORD),
        )
        principal = Principal(
            kind="session",
            id=person.id,
            tenant_id=company.id,
            roles=(role,),
            session_hash="0" * 63 + str(len(company.members) % 10),
            language=language,
            zone="Europe/Istanbul",
            name=person.name,
            email=email,
            tenant_name=company.tenant.name,
            tenants=((company.id, company.tenant.name),),
            proved_at=format_instant(self.clock.now()),
        )
        return Member(person.id, email, CANARY_PASSWORD, principal)

    def operator(self) -> tuple[str, Principal]:
        """An operator's key and principal."""
        key, secret = self.app.issue_operator_key()("operator")
        clear = SCANNER.secret(secret.reveal("test"))
        return clear, Principal("api_key", key.id, roles=("operator",))

    # ------------------------------------------------------------------ act

    def call(
        self,
        method: str,
        path: str,
        principal: Principal | None = None,
        *,
        shows: str | None = None,
        **event: Any,
    ) -> Answer:
        """One request to the real API handler, with the CSRF token a page would have carried."""
        from workspace.handlers import api
        from workspace.handlers.http.app import app

        headers = dict(event.pop("headers", {}))
        form = event.pop("form", None)
        if principal is not None and principal.kind == "session" and method != "GET":
            token = app.csrf_token(principal)
            if form is not None:
                form = {"csrf_token": token, **form}
            else:
                headers.setdefault("x-csrf-token", token)
        made = http_event(method, path, principal=principal, headers=headers, form=form, **event)
        return invoke(api.handler, made, shows=shows)

    def authorize(
        self,
        *,
        bearer: str | None = None,
        cookies: tuple[str, ...] = (),
        tenant: str | None = None,
    ) -> dict[str, str]:
        """What the real authorizer says."""
        from workspace.handlers import authorizer

        headers = {}
        if bearer is not None:
            headers["authorization"] = f"Bearer {bearer}"
        if tenant is not None:
            headers["kopru-tenant"] = tenant
        event = http_event("GET", "/v1/jobs", headers=headers, cookies=cookies)
        event["requestContext"].pop("authorizer")
        answer = authorizer.handler(event, LambdaContext())
        assert answer["isAuthorized"] is True
        assert all(isinstance(value, str) for value in answer["context"].values())
        return dict(answer["context"])

    def sign_in(self, member: Member, *, source_ip: str = "203.0.113.7") -> str:
        """Sign in by the form; returns the cookie as a browser sends it back."""
        answer = self.call(
            "POST",
            "/sign-in",
            form={"email": member.email, "password": member.password},
            source_ip=source_ip,
        )
        assert answer.status == 303, answer.body
        return SCANNER.secret(answer.cookies[0].partition(";")[0])

    def run_mail(self) -> list[str]:
        """Let the mail worker empty its queue; returns the item identifiers that failed."""
        from workspace.handlers import send_mail

        failed: list[str] = []
        while bodies := self.aws.messages("workspace-send-mail"):
            answer = send_mail.handler(queue_event(*bodies), LambdaContext(remaining_ms=30_000))
            failed += [item["itemIdentifier"] for item in answer["batchItemFailures"]]
            if failed:
                break
        return failed

    def night(self) -> None:
        """The schedule of the night, and every part of a seal it ordered; messages come twice."""
        from workspace.handlers import seal_audit, start_seals

        start_seals.handler(schedule_event(), LambdaContext())
        while bodies := self.aws.messages("workspace-seal-audit"):
            for body in [each for one in bodies for each in (one, one)]:
                answer = seal_audit.handler(queue_event(body), LambdaContext())
                assert answer == {"batchItemFailures": []}

    def links(self) -> list[str]:
        """Paths of the links in the mails sent so far, oldest first."""
        found = []
        for mail in self.aws.mails():
            match = LINK.search(mail["body"])
            if match:
                found.append(SCANNER.secret(match[1]))
        return found


@contextmanager
def workspace_world(
    aws: AwsWorld, platform: Platform, clock: FixedClock
) -> Iterator[WorkspaceWorld]:
    """The workspace of this process on ``platform``, with quick password hashes."""
    bootstrap.application.cache_clear()
    app = bootstrap.application()
    app.platform = platform
    app.hasher = Argon2Passwords(memory_kib=8, rounds=1)
    app.assets = Assets.plain()
    try:
        yield WorkspaceWorld(aws, app, clock)
    finally:
        bootstrap.application.cache_clear()
