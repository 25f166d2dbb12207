"""A counterparty that may not come in any more."""

from tests.support.reconciliation_world import ReconciliationWorld


def test_access_ends_by_api(world: ReconciliationWorld) -> None:
    card = world.counterparty()
    world.work_portal()
    path = f"/counterparties/{card['id']}/access"
    assert world.call("DELETE", path).status == 204
    users = world.call("GET", "/reports/users").json()["items"]
    assert [user["status"] for user in users] == ["revoked"]
