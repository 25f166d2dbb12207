"""The search over everything: entered with the item, renamed with it, counted, seen by right."""

from kernel.clock import FixedClock
from kernel.finding import Findable
from tests.support.aws import AwsWorld
from tests.support.builders import WorkspaceWorld, workspace_world
from toolkit.auth import TenantContext
from toolkit.aws.dynamodb import Keyspace
from toolkit.aws.finding import FOUND_IN, enter, forget
from toolkit.aws.finding import search as find
from toolkit.aws.unit_of_work import Change, UnitOfWork
from toolkit.platform import Platform


def _unit(world: WorkspaceWorld, tenant_id: str) -> UnitOfWork:
    context = TenantContext(tenant_id, "system:test")
    return UnitOfWork(world.app.platform.machinery, Keyspace("pen", tenant_id), context)


def _enter(
    world: WorkspaceWorld, tenant_id: str, identity: str, before: Findable | None, after: Findable
) -> dict[str, object]:
    unit = _unit(world, tenant_id)
    row = dict(enter(unit, "employee", identity, before, after))
    unit.create("probe", world.app.platform.ids.new(), {}, Change("probe.made", "made"))
    unit.commit()
    return row


def test_an_item_is_found_at_once_by_its_new_name_only(
    aws: AwsWorld, platform: Platform, clock: FixedClock
) -> None:
    with workspace_world(aws, platform, clock) as world:
        company = world.company(roles=("owner", "viewer"))
        identity = world.app.platform.ids.new()
        old = Findable("Ayşe Nur Yılmaz", ("POL-77/1",), "c1")
        row = _enter(world, company.id, identity, None, old)
        assert len(row[FOUND_IN]) == 3  # type: ignore[arg-type]

        def ids(text: str) -> list[str]:
            answer = world.call("GET", "/v1/search", company.owner, query={"q": text})
            assert answer.status == 200, answer.body
            return [item["id"] for item in answer.json()["items"]]

        for text in ("yilmaz", "AYŞE", "ayse yil", "pol 77-1"):
            assert ids(text) == [identity], text
        for text in ("nur", "ayse kaya", "pol77"):
            assert ids(text) == [], text
        new = Findable("Ayşe Nur Kaya", ("POL-77/1",), "c1")
        row = _enter(world, company.id, identity, old, new)
        assert (ids("yilmaz"), ids("kaya"), ids("POL771")) == ([], [identity], [identity])
        shown = world.call("GET", "/v1/search", company.owner, query={"q": "kaya"}).json()
        assert shown["items"][0] == {
            "kind": "employee",
            "id": identity,
            "title": "Ayşe Nur Kaya",
            "subject": f"employee:{identity}",
            "href": f"/pensions/employees/{identity}",
        }
        # Whoever erases a person knows its row and no longer its name.
        unit = _unit(world, company.id)
        forget(unit, "employee", identity, row)
        unit.create("probe", world.app.platform.ids.new(), {}, Change("probe.made", "made"))
        unit.commit()
        assert ids("kaya") == []
        left = [each for each in aws.rows("core") if "#FIND#" in each["pk"]]
        assert {each["title"] for each in left} == {""}


def test_no_key_holds_a_name_and_nothing_is_written_without_a_change(
    aws: AwsWorld, platform: Platform, clock: FixedClock
) -> None:
    with workspace_world(aws, platform, clock) as world:
        company = world.company(roles=("owner",))
        person = Findable("Elif Şahin", ("P-1",))
        unit = _unit(world, company.id)
        assert enter(unit, "employee", "e1", person, person) == {}
        assert len(unit) == 0
        # A policy number that comes later is one entry more, not three.
        enter(unit, "employee", "e1", Findable("Elif Şahin"), person)
        assert len(unit) == 1
        _enter(world, company.id, world.app.platform.ids.new(), None, person)
        keys = [row["pk"] for row in aws.rows("core") if "#FIND#" in row["pk"]]
        assert len(keys) == 3
        assert not [key for key in keys if "eli" in key.lower() or "sah" in key.lower()]


def test_what_one_search_reads_is_bounded(
    aws: AwsWorld, platform: Platform, clock: FixedClock
) -> None:
    with workspace_world(aws, platform, clock) as world:
        company = world.company(roles=("owner", "payroll"))
        payroll = company.members["payroll"].principal

        def reads(text: str, reader: object) -> int:
            aws.rules.requests.clear()
            world.call("GET", "/v1/search", reader, query={"q": text})  # type: ignore[arg-type]
            return aws.rules.requests.count("dynamodb.Query")

        # Four contexts can be searched; payroll sees people only; a code is one more look each.
        assert reads("yilmaz", company.owner) == 4
        assert reads("KLS-2026", company.owner) == 8
        assert reads("yilmaz", payroll) == 1
        assert reads("yı", company.owner) == 0


def test_what_one_may_not_see_is_not_found(
    aws: AwsWorld, platform: Platform, clock: FixedClock
) -> None:
    with workspace_world(aws, platform, clock) as world:
        company = world.company(roles=("owner", "finance"))
        identity = world.app.platform.ids.new()
        _enter(world, company.id, identity, None, Findable("Elif Şahin"))
        finance = company.members["finance"].principal
        found = world.call("GET", "/v1/search", finance, query={"q": "sahin"}).json()
        assert found["items"] == []
        assert world.call("GET", "/v1/search", query={"q": "sahin"}).status == 401
        short = world.call("GET", "/v1/search", company.owner, query={"q": "ş"})
        assert (short.status, short.json()["errors"][0]["code"]) == (422, "query_short")
        other = world.company(name="Ege", roles=("owner",))
        assert find(platform.database, ["pen"], other.id, "sahin") == ([], False)
