"""What the small acts around people and files of a company cost, committed in ``company_day.json``.

One company, one act after the other, each counted alone: the acts need each other, and a world for
each would cost more than all of them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from tests.budgets.committed import check_committed
from tests.budgets.counts import count
from tests.support.aws import START, aws_world, platform_of
from tests.support.builders import WorkspaceWorld, workspace_world
from tests.support.events import Answer
from tests.support.faults import switched_on
from tests.support.scanner import SCANNER

pytestmark = pytest.mark.slow
FILE: Final = Path(__file__).with_name("company_day.json")
FRESH: Final = "mavi kopru tramvay 4242"


def counted(name: str, act: Callable[[], Any]) -> Any:
    """Do it, compare what it cost, give its answer."""
    answers: list[Any] = []
    check_committed(FILE, name, count(lambda: answers.append(act())))
    (answer,) = answers
    if isinstance(answer, Answer):
        assert answer.status < 400, (name, answer.body)
    return answer


def test_the_counts_of_a_day_are_the_committed_ones() -> None:
    clock = FixedClock(START)
    with aws_world() as aws:
        platform = platform_of(aws, clock=clock, ids=SequenceIds(at=START))
        with workspace_world(aws, platform, clock) as world, switched_on(clock):
            a_day(world)


def a_day(world: WorkspaceWorld) -> None:
    """An upload, a key, a guest, a lost password, a deadline feed; at last somebody signs out."""
    company = world.company()
    owner, key = company.owner, company.key_principal
    assert key is not None

    def call(name: str, method: str, path: str, **more: Any) -> Any:
        return counted(name, lambda: world.call(method, path, more.pop("as_", owner), **more))

    file = {"filename": "p.csv", "content_type": "text/csv", "size": 10}
    call("start an upload", "POST", "/v1/uploads", as_=key, body=file)
    wish = {"name": "Bordro", "scopes": ["pensions:*:read"], "expires_on": "2026-06-30"}
    made = call("issue a key", "POST", "/v1/api-keys", body=wish, shows="a new key")
    secret = SCANNER.secret(made.json()["secret"])
    counted("authorize a key", lambda: world.authorize(bearer=secret))

    guest = {"email": "guest@ornek.example", "name": "Davetli Kişi", "roles": ["owner"]}
    path = call("invite", "POST", "/v1/users", body=guest).headers["location"]
    counted("mail an invitation", world.run_mail)
    call("invite again", "POST", f"{path}/invitations")
    world.run_mail()
    link = world.links()[-1]
    shown = "a link of a mail"
    call("show an invitation", "GET", link, as_=None, shows=shown)
    joined = {"token": link.rpartition("/")[2], "password": FRESH}
    call("accept an invitation", "POST", "/v1/invitations/accept", as_=None, body=joined)

    lost = {"email": guest["email"]}
    call("ask for a new password", "POST", "/v1/password-resets", as_=None, body=lost)
    counted("mail a link for a new password", world.run_mail)
    chosen = {"token": world.links()[-1].rpartition("/")[2], "password": f"{FRESH} x"}
    call("choose it", "POST", "/v1/password-resets/complete", as_=None, body=chosen)

    call("change the language", "PATCH", "/v1/me", body={"language": "el"})
    call("make a deadline feed", "POST", "/v1/me/deadline-feed", shows="a secret address")
    query = {"subject": f"user:{company.members['owner'].id}"}
    call("read a timeline", "GET", "/v1/timeline", query=query)
    call("sign out", "DELETE", "/v1/sessions/current")
