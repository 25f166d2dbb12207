"""Many companies at a glance: which client is not done, and nothing of a company that is closed."""

from datetime import date, timedelta

import pytest

from kernel.money import Money
from kernel.sensitive import Email
from tests.support.aws import START
from tests.unit.workspace.conftest import PASSWORD, Desk
from workspace.application.entrance import SignedIn
from workspace.domain.attention import Attention
from workspace.domain.glance import CompanyGlance, Standing, glance_of, matching
from workspace.domain.tenant import Tenant
from workspace.domain.user import Membership

TODAY = date(2026, 6, 1)
TENANT = Tenant("t", "Işık Ltd")
MEMBER = Membership("p", Email("a@ornek.example"), "A B", ("accountant",))


def _row(key: str, **changes: object) -> Attention:
    base: dict[str, object] = {"severity": "medium", "raised_at": START, "news_at": START}
    return Attention(key, "contract:c", "code", **{**base, **changes})  # type: ignore[arg-type]


def _due(days: int, **changes: object) -> Attention:
    return _row(f"due:{days}", due_on=TODAY + timedelta(days=days), **changes)


def _glance(*rows: Attention) -> CompanyGlance:
    return glance_of(TENANT, MEMBER, rows, START)


@pytest.mark.parametrize(
    ("rows", "standing"),
    [
        ((), Standing.DONE),
        ((_row("x", open=False),), Standing.DONE),
        ((_due(0),), Standing.OPEN),
        ((_due(3),), Standing.OPEN),
        ((_due(-1),), Standing.OVERDUE),
        ((_due(-1, open=False),), Standing.DONE),
        ((_row("x"), _due(3)), Standing.TROUBLE),
        ((_row("x"), _due(-1)), Standing.OVERDUE),
        ((_row("credentials:c"),), Standing.TROUBLE),
        ((_row("credentials:c", open=False),), Standing.DONE),
    ],
)
def test_a_company_is_done_when_nothing_waits(
    rows: tuple[Attention, ...], standing: Standing
) -> None:
    assert _glance(*rows).standing is standing


def test_figures_of_a_company() -> None:
    urgent = _row("x", severity="high", amount=Money(104200, "TRY"))
    seen = _glance(urgent, _row("y"), _due(-2), _due(2), _due(9), _row("circuit:p"))
    assert (seen.exceptions, seen.urgent, seen.deadlines, seen.overdue) == (2, 1, 3, 1)
    assert (seen.troubled_connections, seen.next_due_on) == (1, date(2026, 6, 3))
    assert not seen.is_done


def test_names_are_found_whatever_the_case_and_the_dots() -> None:
    assert matching([_glance()], "işik") == [_glance()]
    assert matching([_glance()], "IŞIK l") == [_glance()]
    assert matching([_glance()], "ışıl") == []


def _raise(desk: Desk, tenant: Tenant, row: Attention) -> None:
    unit = desk.app.store.company(desk.context(tenant)).unit()
    unit.put_attention(row)
    unit.commit()


def test_an_accountant_sees_every_client_of_a_mandate_that_counts(desk: Desk) -> None:
    calm, late, shut, over = (desk.tenant(name) for name in ("Can", "Bal", "Ak", "Ece"))
    stranger = desk.tenant("Yabancı")
    for tenant in (calm, late, shut, over):
        person = desk.person(tenant, "accountant")
    _raise(desk, late, _due(-1))
    _raise(desk, stranger, _row("x", severity="high"))
    desk.app.change_tenant()(
        desk.context(shut), expected_version=1, second_factor_roles=("accountant",)
    )
    _raise(desk, shut, _row("secret"))
    desk.app.change_user()(
        desk.context(over),
        actor_id="key",
        person_id=person.id,
        expected_version=1,
        roles=None,
        since=None,
        until=date(2026, 5, 31),
    )
    done = desk.app.sign_in()("accountant@ornek.example", PASSWORD, source_ip="ip", user_agent="")
    assert isinstance(done, SignedIn)
    seen = desk.app.oversee_companies()(person.id, done.session.digest)
    assert [(each.tenant.name, each.standing) for each in seen] == [
        ("Bal", Standing.OVERDUE),
        ("Can", Standing.DONE),
        ("Ak", Standing.CLOSED),
    ]
    assert seen[2].exceptions == 0
