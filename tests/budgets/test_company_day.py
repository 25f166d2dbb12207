"""What the small acts around people and files of a company cost, committed in ``company_day.json``.

One company, one act after the other, each counted alone: the acts need each other, and a world for
each would cost more than all of them.
"""

from pathlib import Path
from typing import Any, Final

import pytest

from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from kernel.sensitive import Email, Secret
from tests.budgets.day import Day
from tests.integration.workspace.test_operate import PATH, Desk
from tests.integration.workspace.test_support import ALL, signed_in_operator
from tests.integration.workspace.test_task_links import OWN, task_waits
from tests.support.aws import START, aws_world, platform_of
from tests.support.builders import Member, WorkspaceWorld, workspace_world
from tests.support.events import queue_event
from tests.support.faults import switched_on
from tests.support.lambda_context import LambdaContext
from tests.support.scanner import CANARY_PASSWORD, SCANNER
from toolkit.auth import Principal
from toolkit.entrypoints.http import principal_of

pytestmark = pytest.mark.slow
FILE: Final = Path(__file__).with_name("company_day.json")
FRESH: Final = "mavi kopru tramvay 4242"
DAY: Final = Day(FILE)


def test_the_counts_of_a_day_are_the_committed_ones() -> None:
    clock = FixedClock(START)
    with aws_world() as aws:
        platform = platform_of(aws, clock=clock, ids=SequenceIds(at=START))
        with workspace_world(aws, platform, clock) as world, switched_on(clock):
            a_day(world)
            installing(world)
            sessions(world)
            task_mail(world)
            operating(world)
            supporting(world)


def a_day(world: WorkspaceWorld) -> None:
    """An upload, a key, a guest, a lost password, a deadline feed; at last somebody signs out."""
    company = world.company()
    owner, key = company.owner, company.key_principal
    assert key is not None

    def call(name: str, method: str, path: str, **more: Any) -> Any:
        return DAY.counted(name, lambda: world.call(method, path, more.pop("as_", owner), **more))

    file = {"filename": "p.csv", "content_type": "text/csv", "size": 10}
    call("start an upload", "POST", "/v1/uploads", as_=key, body=file)
    wish = {"name": "Bordro", "scopes": ["pensions:*:read"], "expires_on": "2026-06-30"}
    made = call("issue a key", "POST", "/v1/api-keys", body=wish, shows="a new key")
    secret = SCANNER.secret(made.json()["secret"])
    DAY.counted("authorize a key", lambda: world.authorize(bearer=secret))

    guest = {"email": "guest@ornek.example", "name": "Davetli Kişi", "roles": ["owner"]}
    path = call("invite", "POST", "/v1/users", body=guest).headers["location"]
    DAY.counted("mail an invitation", world.run_mail)
    call("invite again", "POST", f"{path}/invitations")
    world.run_mail()
    link = world.links()[-1]
    shown = "a link of a mail"
    call("show an invitation", "GET", link, as_=None, shows=shown)
    joined = {"token": link.rpartition("/")[2], "password": FRESH}
    call("accept an invitation", "POST", "/v1/invitations/accept", as_=None, body=joined)

    lost = {"email": guest["email"]}
    call("ask for a new password", "POST", "/v1/password-resets", as_=None, body=lost)
    DAY.counted("mail a link for a new password", world.run_mail)
    chosen = {"token": world.links()[-1].rpartition("/")[2], "password": f"{FRESH} x"}
    call("choose it", "POST", "/v1/password-resets/complete", as_=None, body=chosen)

    call("change the language", "PATCH", "/v1/me", body={"language": "el"})
    call("make a deadline feed", "POST", "/v1/me/deadline-feed", shows="a secret address")
    query = {"subject": f"user:{company.members['owner'].id}"}
    call("read a timeline", "GET", "/v1/timeline", query=query)
    call("sign out", "DELETE", "/v1/sessions/current")


def installing(world: WorkspaceWorld) -> None:
    """What an installer does: the first operator, and a person with a password at once."""
    company = world.company("Ege Tekstil", roles=())
    password = Secret(CANARY_PASSWORD)
    who: dict[str, Any] = {"name": "Selin Akın", "language": "tr", "password": password}
    DAY.counted(
        "install an operator",
        lambda: world.app.install_operator()(email=Email("ops@kopru.example"), **who),
    )
    DAY.counted(
        "install a person",
        lambda: world.app.install_user()(
            company.context(), email=Email("selin@ornek.example"), roles=["owner"], **who
        ),
    )


def sessions(world: WorkspaceWorld) -> None:
    """Somebody of two companies goes on for the other one, and ends a session of a lost phone."""
    first = world.company("Kuzey Çelik")
    second = world.company("Güney Çelik", roles=())
    owner = first.members["owner"]
    world.app.install_user()(
        second.context(),
        email=Email(owner.email),
        name=owner.principal.name,
        roles=["owner"],
        language="tr",
        password=Secret(owner.password),
    )
    here = signed_in(world, owner)
    signed_in(world, owner)
    form = {"tenant_id": second.id}
    DAY.counted(
        "work for another company",
        lambda: world.call("POST", "/preferences/tenant", here, form=form, shows=OWN),
    )
    listed = world.call("GET", "/v1/sessions", here, shows=OWN).json()["items"]
    (lost,) = [one["id"] for one in listed if not one["current"]]
    DAY.counted(
        "end a session", lambda: world.call("DELETE", f"/v1/sessions/{lost}", here, shows=OWN)
    )


def signed_in(world: WorkspaceWorld, member: Member) -> Principal:
    """A session of this person, as the authorizer knows it."""
    said = world.authorize(cookies=(world.sign_in(member),))
    return principal_of({"requestContext": {"authorizer": {"lambda": said}}})


def task_mail(world: WorkspaceWorld) -> None:
    """A mail about a task: reported, opened, gone on from."""
    from workspace.handlers import mail_events

    company = world.company("Batı Enerji", roles=("owner", "accountant"))
    task_waits(world, company)
    world.run_mail()
    path = world.links()[-1]
    (mail,) = [
        row
        for row in world.aws.rows("core")
        if row.get("kind") == "message" and company.id in row["pk"]
    ]
    tags = {"kopru-tenant": [company.id], "kopru-message": [mail["id"]]}
    detail = {"eventType": "Delivery", "mail": {"messageId": mail["provider_id"], "tags": tags}}
    report = {"detail-type": "Email Event", "source": "aws.ses", "detail": detail}
    DAY.counted(
        "one report of a mail", lambda: mail_events.handler(queue_event(report), LambdaContext())
    )
    reader = signed_in(world, company.members["accountant"])
    DAY.counted("open a link to a task", lambda: world.call("GET", path, shows=OWN))
    DAY.counted("go on to the task", lambda: world.call("POST", path, reader, form={}, shows=OWN))


def operating(world: WorkspaceWorld) -> None:
    """An operator looks at what stands still, and sends four dead letters back."""
    desk = Desk(world)
    for number in range(4):
        desk.bury({"v": 1, "message_id": f"M-{number}"})
    DAY.counted("list dead letters", lambda: desk.call("GET", PATH))
    DAY.counted("list what stands still", lambda: desk.call("GET", "/v1/stuck-items"))
    DAY.counted("try to send 4 back", lambda: desk.redrive(dry_run=True))
    back = DAY.counted("send 4 dead letters back", desk.redrive)
    assert back.json()["redriven"] == 4
    DAY.counted("list what was sent back", lambda: desk.call("GET", f"{PATH}/redrives"))
    assert len(desk.back()) == 4


def supporting(world: WorkspaceWorld) -> None:
    """An operator asks to look into a company, whose owner is told; another one refuses."""
    company = world.company("Doğu Gıda")
    asking, _ = signed_in_operator(world, "bir@kopru.example")
    other, _ = signed_in_operator(world, "iki@kopru.example")
    body = {"tenant_id": company.id, "reason": "Sayılar tutmuyor", "hours": 1}
    made = DAY.counted(
        "ask for support access", lambda: world.call("POST", ALL, asking, body=body, shows=OWN)
    )
    path = f"{ALL}/{made.json()['id']}/refuse"
    DAY.counted("refuse it", lambda: world.call("POST", path, other, shows=OWN))
