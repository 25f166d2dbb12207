"""The workspace API, route by route, with its real handler over moto."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.builders import Company, WorkspaceWorld
from tests.support.events import bus_event, queue_event
from tests.support.lambda_context import LambdaContext
from tests.support.scanner import SCANNER
from toolkit.auth import Principal, TenantContext
from toolkit.aws.dynamodb import Keyspace
from toolkit.aws.jobs import Jobs
from toolkit.aws.unit_of_work import UnitOfWork

CONTRACT = "01KT16JKM00000000000000777"
PERSON = {"email": "ayse@ornek.example", "name": "Ayşe Demir", "roles": ["payroll"]}


@pytest.fixture
def company(world: WorkspaceWorld) -> Company:
    """A company with an owner and a payroll clerk."""
    return world.company(roles=("owner", "payroll"))


def _news(world: WorkspaceWorld, company: Company, name: str, **data: Any) -> None:
    from workspace.handlers import on_events

    envelope = {
        "id": world.app.platform.ids.new(),
        "type": f"pensions.{name}.v1",
        "source": "kopru.pensions",
        "time": world.clock.now().isoformat(),
        "tenant_id": company.id,
        "subject": f"contract:{CONTRACT}",
        "data": data,
    }
    answer = on_events.handler(queue_event(bus_event(envelope)), LambdaContext())
    assert answer == {"batchItemFailures": []}


# ---------------------------------------------------------------------------- companies


def test_health_needs_nobody(world: WorkspaceWorld) -> None:
    answer = world.call("GET", "/health")
    assert (answer.status, answer.json()) == (200, {"status": "ok"})


def test_an_operator_opens_a_company(world: WorkspaceWorld) -> None:
    _, operator = world.operator()
    body = {
        "name": "Deneme Ltd",
        "owner": {"email": "sahip@deneme.example", "name": "Yeni Sahip"},
        "issue_api_key": True,
    }
    answer = world.call("POST", "/v1/tenants", operator, body=body, shows="a key, once")
    assert answer.status == 201
    made = answer.json()
    secret = SCANNER.secret(made["api_key"]["secret"])
    assert made["owner"]["state"] == "invited"
    assert world.authorize(bearer=secret)["tenant_id"] == made["id"]
    listed = world.call("GET", "/v1/tenants", operator).json()["items"]
    assert [tenant["id"] for tenant in listed] == [made["id"]]
    assert world.run_mail() == []
    assert "Deneme Ltd" in world.aws.mails()[0]["subject"]


def test_a_companys_owner_and_key_open_no_companies(
    world: WorkspaceWorld, company: Company
) -> None:
    body = {"name": "X Ltd", "owner": {"email": "a@b.example", "name": "A B"}}
    for principal in (company.owner, company.key_principal):
        assert world.call("POST", "/v1/tenants", principal, body=body).status == 403
        assert world.call("GET", "/v1/tenants", principal).status == 403


def test_every_wrong_field_of_a_company_is_told_at_once(world: WorkspaceWorld) -> None:
    _, operator = world.operator()
    body = {
        "name": " ",
        "language": "de",
        "zone": "Mars",
        "owner": {"email": "x", "name": "1"},
        "extra": 1,
    }
    answer = world.call("POST", "/v1/tenants", operator, body=body)
    assert answer.status == 422
    assert {item["pointer"] for item in answer.json()["errors"]} == {
        "/name",
        "/language",
        "/zone",
        "/owner/email",
        "/owner/name",
        "/extra",
    }


def test_the_company_is_read_and_changed_with_its_version(
    world: WorkspaceWorld, company: Company
) -> None:
    read = world.call("GET", "/v1/tenants/me", company.key_principal)
    assert read.headers["etag"] == '"v2"'
    change = {"zone": "Europe/Athens"}
    path, key = "/v1/tenants/me", company.key_principal
    assert world.call("PATCH", path, key, body=change).status == 428
    stale = world.call("PATCH", path, key, body=change, headers={"if-match": '"v1"'})
    assert (stale.status, stale.json()["code"]) == (412, "stale_version")
    done = world.call("PATCH", path, key, body=change, headers={"if-match": '"v2"'})
    assert (done.status, done.json()["zone"], done.headers["etag"]) == (
        200,
        "Europe/Athens",
        '"v3"',
    )
    clerk = company.members["payroll"].principal
    assert world.call("PATCH", path, clerk, body=change, headers={"if-match": "1"}).status == 403


# ---------------------------------------------------------------------------- people


def test_people_are_invited_changed_and_removed(world: WorkspaceWorld, company: Company) -> None:
    key = company.key_principal
    mandate = {**PERSON, "from": "2026-06-15", "until": "2026-12-31"}
    invited = world.call("POST", "/v1/users", key, body=mandate)
    assert invited.status == 201
    user = invited.json()
    path = f"/v1/users/{user['id']}"
    assert invited.headers["location"] == path
    assert user["from"] == "2026-06-15"
    assert (user["state"], user["until"], user["roles"]) == ("invited", "2026-12-31", ["payroll"])
    assert world.call("POST", "/v1/users", key, body=PERSON).json()["code"] == "user_exists"
    names = [item["name"] for item in world.call("GET", "/v1/users", key).json()["items"]]
    assert names == ["Ayşe Demir", "Deniz Owner", "Deniz Payroll"]
    roles = world.call(
        "PATCH", path, key, body={"roles": ["finance"]}, headers={"if-match": '"v1"'}
    ).json()
    assert (roles["roles"], roles["until"]) == (["finance"], "2026-12-31")
    endless = world.call(
        "PATCH", path, key, body={"until": None}, headers={"if-match": '"v2"'}
    ).json()
    assert (endless["roles"], endless["until"]) == (["finance"], None)
    assert world.call("POST", f"{path}/invitations", key).status == 202
    assert world.call("DELETE", path, key).status == 204
    assert world.call("GET", path, key).status == 404
    assert world.call("DELETE", path, key).status == 404
    told = world.call("GET", "/v1/timeline", key, query={"subject": f"user:{user['id']}"}).json()
    assert [item["type"] for item in told["items"]] == [
        "user.invited",
        "user.roles_changed",
        "user.roles_changed",
        "user.removed",
    ]


def test_an_invitation_repeated_with_its_key_is_sent_once(
    world: WorkspaceWorld, company: Company
) -> None:
    headers = {"idempotency-key": "k-1"}
    key = company.key_principal
    first = world.call("POST", "/v1/users", key, body=PERSON, headers=headers)
    again = world.call("POST", "/v1/users", key, body=PERSON, headers=headers)
    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers["location"] == first.headers["location"]
    other = world.call(
        "POST", "/v1/users", key, body={**PERSON, "name": "Baska Biri"}, headers=headers
    )
    assert (other.status, other.json()["code"]) == (422, "idempotency_key_reused")
    world.run_mail()
    assert len(world.aws.mails()) == 1


def test_the_last_owner_and_oneself_are_protected(world: WorkspaceWorld, company: Company) -> None:
    owner = company.members["owner"]
    path = f"/v1/users/{owner.id}"
    own = world.call("DELETE", path, company.owner)
    assert (own.status, own.json()["code"]) == (403, "own_roles")
    last = world.call("DELETE", path, company.key_principal)
    assert (last.status, last.json()["code"]) == (422, "last_owner")


def test_roles_are_listed_with_what_they_may(world: WorkspaceWorld, company: Company) -> None:
    items = world.call(
        "GET", "/v1/roles", company.key_principal, headers={"accept-language": "tr"}
    ).json()["items"]
    assert [item["code"] for item in items] == [
        "owner",
        "accountant",
        "payroll",
        "finance",
        "viewer",
    ]
    assert items[0] == {
        "code": "owner",
        "name": "sahip",
        "permissions": [
            "card_contracts:*:*",
            "payment_codes:*:*",
            "pensions:*:*",
            "reconciliation:*:*",
            "workflow:*:*",
            "workspace:*:*",
        ],
    }


# ---------------------------------------------------------------------------- keys


def test_a_key_is_shown_once_used_and_revoked(world: WorkspaceWorld, company: Company) -> None:
    body = {"name": "Bordro", "scopes": ["pensions:*:read"], "expires_on": "2026-06-30"}
    issued = world.call(
        "POST", "/v1/api-keys", company.key_principal, body=body, shows="a key, once"
    )
    assert issued.status == 201
    secret = SCANNER.secret(issued.json()["secret"])
    path = issued.headers["location"]
    assert "secret" not in world.call("GET", path, company.key_principal).json()
    assert world.authorize(bearer=secret)["scopes"] == "pensions:*:read"
    assert world.call("GET", path, company.key_principal).json()["last_used_at"] is not None
    limited = Principal("api_key", "k", company.id, scopes=("pensions:*:read",))
    assert world.call("GET", "/v1/api-keys", limited).status == 403
    assert world.call("DELETE", path, company.key_principal).status == 204
    assert world.authorize(bearer=secret)["kind"] == "anonymous"
    assert world.call("DELETE", path, company.key_principal).status == 409


def test_nobody_issues_more_than_they_have(world: WorkspaceWorld, company: Company) -> None:
    for scopes, status in ((["operator:*:*"], 403), (["*:*:*"], 422), ([], 422), ("x", 422)):
        body = {"name": "Bordro", "scopes": scopes}
        answer = world.call("POST", "/v1/api-keys", company.key_principal, body=body)
        assert answer.status == status
    clerk = company.members["payroll"].principal
    assert world.call("POST", "/v1/api-keys", clerk, body={}).status == 403


# ---------------------------------------------------------------------------- jobs


def _job(world: WorkspaceWorld, company: Company, **extra: Any) -> str:
    platform = world.app.platform
    keyspace = Keyspace("pen", company.id)
    unit = UnitOfWork(platform.machinery, keyspace, TenantContext(company.id, "system:test"))
    job_id = platform.ids.new()
    jobs = Jobs(platform.database, keyspace)
    jobs.create(unit, job_id, "employees_import", subject=f"contract:{CONTRACT}", total=10, **extra)
    unit.commit()
    return job_id


def test_jobs_of_other_contexts_are_seen_with_their_progress(
    world: WorkspaceWorld, company: Company
) -> None:
    ids = [_job(world, company) for _ in range(3)]
    key = company.key_principal
    first = world.call("GET", "/v1/jobs", key, query={"limit": "2"}).json()
    rest = world.call(
        "GET", "/v1/jobs", key, query={"limit": "2", "cursor": first["next_cursor"]}
    ).json()
    assert [item["id"] for item in (*first["items"], *rest["items"])] == ids[::-1]
    assert rest["next_cursor"] is None
    shown = world.call("GET", f"/v1/jobs/{ids[0]}", key)
    assert (shown.json()["status"], shown.json()["total"]) == ("queued", 10)
    assert shown.headers["retry-after"] == "1"
    forged = world.call("GET", "/v1/users", key, query={"cursor": first["next_cursor"]})
    assert forged.status == 200, "a list without pages has no cursor to check"
    wrong = world.call("GET", "/v1/incidents", key, query={"cursor": first["next_cursor"]})
    assert (wrong.status, wrong.json()["code"]) == (400, "invalid_cursor")


def test_only_a_job_that_can_stop_is_asked_to(world: WorkspaceWorld, company: Company) -> None:
    key = company.key_principal
    deaf, listening = _job(world, company), _job(world, company, cancellable=True)
    refused = world.call("POST", f"/v1/jobs/{deaf}/cancel", key)
    assert (refused.status, refused.json()["code"]) == (409, "job_not_cancellable")
    assert world.call("POST", f"/v1/jobs/{listening}/cancel", key).status == 202
    (event,) = world.aws.published("workspace.JobCancelRequested.v1")
    assert event["data"]["job_id"] == listening
    assert event["tenant_id"] == company.id


# ---------------------------------------------------------------------------- uploads


def test_an_upload_is_for_one_file_of_that_size_below_the_tenant(
    world: WorkspaceWorld, company: Company
) -> None:
    body = {"filename": "bordro şubat.csv", "content_type": "text/csv", "size": 12}
    answer = world.call("POST", "/v1/uploads", company.key_principal, body=body)
    assert answer.status == 201
    made = answer.json()
    assert set(made) == {"upload_id", "url", "fields"}
    assert made["fields"]["key"] == f"T/{company.id}/uploads/{made['upload_id']}"
    assert made["fields"]["x-amz-meta-filename"] == "bordro%20%C5%9Fubat.csv"
    too_large = {**body, "size": 10_000_001}
    refused = world.call("POST", "/v1/uploads", company.key_principal, body=too_large)
    assert [item["pointer"] for item in refused.json()["errors"]] == ["/size"]


# ---------------------------------------------------------------------------- timeline, events


def test_a_timeline_is_told_in_order_and_in_the_readers_language(
    world: WorkspaceWorld, company: Company
) -> None:
    subject = f"tenant:{company.id}"
    for language, words in (
        ("tr", ["Şirket açıldı", "Şirket ayarları değişti"]),
        ("el", ["Η εταιρεία δημιουργήθηκε", "Άλλαξαν οι ρυθμίσεις της εταιρείας"]),
        ("en", ["Company opened", "Company settings changed"]),
    ):
        items = world.call(
            "GET",
            "/v1/timeline",
            company.key_principal,
            query={"subject": subject},
            headers={"accept-language": language},
        ).json()["items"]
        assert [item["summary"] for item in items] == words
    known = {"at", "actor", "type", "summary", "detail", "correlation_id", "related"}
    known |= {"why", "exchanges"}
    assert set(items[0]) == known
    assert items[1]["detail"] == {"from": "active", "to": "active", "changed": ["name"]}


@pytest.mark.parametrize(
    "subject", ["user:01KT16JKM0ZZZZZZZZZZZZZZZZ", "x", "user", "user:1", "nothing:" + CONTRACT]
)
def test_an_unknown_subject_has_no_timeline(
    world: WorkspaceWorld, company: Company, subject: str
) -> None:
    answer = world.call("GET", "/v1/timeline", company.key_principal, query={"subject": subject})
    assert (answer.status, answer.json()["code"]) == (404, "not_found")
    assert world.call("GET", "/v1/timeline", company.key_principal).status == 422


def test_news_of_pensions_stand_in_today_and_in_the_log(
    world: WorkspaceWorld, company: Company
) -> None:
    raised = {
        "key": f"credentials:{CONTRACT}",
        "subject": f"contract:{CONTRACT}",
        "code": "credentials_refused",
        "severity": "high",
        "contract_id": CONTRACT,
    }
    _news(world, company, "AttentionRaised", **raised)
    _news(
        world,
        company,
        "AttentionRaised",
        **{
            **raised,
            "key": "due:1",
            "code": "enrolment_submission_problems",
            "money_minor": 96800,
            "currency": "TRY",
            "due_on": "2026-06-02",
            "count": 3,
        },
    )
    world.clock.advance(timedelta(minutes=10))
    today = world.call("GET", "/v1/today", company.key_principal).json()
    assert today["tasks"] == []
    assert today["exceptions"] == []
    (deadline,) = today["deadlines"]
    assert deadline["amount"] == {"amount": "968.00", "currency": "TRY"}
    assert (deadline["due_on"], deadline["age_seconds"]) == ("2026-06-02", 600)
    assert deadline["summary"].endswith("3 rows need you")
    (connection,) = today["connections"]
    assert (connection["health"], connection["contract_id"]) == ("trouble", CONTRACT)
    _news(world, company, "AttentionCleared", key=f"credentials:{CONTRACT}")
    after = world.call("GET", "/v1/today", company.key_principal).json()
    assert after["connections"][0]["health"] == "ok"
    log = world.call("GET", "/v1/events", company.key_principal).json()["items"]
    assert [item["type"] for item in log] == [
        "pensions.AttentionCleared.v1",
        "pensions.AttentionRaised.v1",
        "pensions.AttentionRaised.v1",
        "workspace.TenantCreated.v1",
    ]


# ---------------------------------------------------------------------------- incidents


def _incident(world: WorkspaceWorld, company: Company) -> str:
    identity = world.app.platform.ids.new()
    _news(
        world,
        company,
        "IncidentOpened",
        incident_id=identity,
        subject=f"transmission:{CONTRACT}",
        code="unknown_status",
        actor="operator",
        count=2,
        contract_id=CONTRACT,
        word="E-500",
    )
    return identity


def test_an_incident_is_listed_read_and_resolved_once(
    world: WorkspaceWorld, company: Company
) -> None:
    identity = _incident(world, company)
    key = company.key_principal
    (item,) = world.call("GET", "/v1/incidents", key, query={"state": "open"}).json()["items"]
    assert (item["id"], item["code"], item["count"]) == (identity, "unknown_status", 2)
    assert item["facts"] == {"word": "E-500"}
    path = f"/v1/incidents/{identity}"
    empty = world.call("POST", f"{path}/resolve", key, body={"note": " "})
    assert empty.json()["errors"][0] == {
        "pointer": "/note",
        "code": "required",
        "message": "Say in a few words what was done.",
    }
    done = world.call("POST", f"{path}/resolve", key, body={"note": "Sigortacı düzeltti."})
    assert (done.status, done.json()["state"]) == (200, "resolved")
    (event,) = world.aws.published("workspace.IncidentResolved.v1")
    assert event["data"] == {
        "incident_id": identity,
        "subject": f"transmission:{CONTRACT}",
        "code": "unknown_status",
        "note": "Sigortacı düzeltti.",
    }
    again = world.call("POST", f"{path}/resolve", key, body={"note": "yine"})
    assert (again.status, again.json()["code"]) == (409, "incident_resolved")
    assert world.call("GET", "/v1/incidents", key, query={"state": "open"}).json()["items"] == []
    assert world.call("GET", "/v1/incidents", key, query={"state": "x"}).status == 422


def test_an_operator_without_a_company_resolves_anywhere(
    world: WorkspaceWorld, company: Company
) -> None:
    identity = _incident(world, company)
    _, operator = world.operator()
    (item,) = world.call("GET", "/v1/incidents", operator, shows="ids and codes").json()["items"]
    assert (item["id"], item["tenant_id"]) == (identity, company.id)
    assert world.call("GET", f"/v1/incidents/{identity}", operator).status == 200
    done = world.call(
        "POST", f"/v1/incidents/{identity}/resolve", operator, body={"note": "Düzeltildi."}
    )
    assert done.json()["resolved_by"] == f"key:{operator.id}"
    assert world.call("GET", f"/v1/incidents/{CONTRACT}", operator).status == 404


# ---------------------------------------------------------------------------- audit


def test_the_audit_chain_is_recomputed_and_a_forged_row_named(
    world: WorkspaceWorld, company: Company
) -> None:
    key = company.key_principal
    whole = world.call("GET", "/v1/audit/verify", key).json()
    assert (whole["status"], whole["complete"], whole["first_broken"]) == ("intact", True, None)
    first = world.call("GET", "/v1/audit/verify", key, query={"limit": "2"}).json()
    assert (first["entities"], first["complete"]) == (2, False)
    seen = first["entities"]
    cursor = first["next_cursor"]
    while cursor:
        step = world.call(
            "GET", "/v1/audit/verify", key, query={"limit": "2", "cursor": cursor}
        ).json()
        seen += step["entities"]
        cursor = step["next_cursor"]
    assert seen == whole["entities"]
    subject = f"user:{company.members['payroll'].id}"
    with world.aws.rules.paused():
        world.aws.client("dynamodb").update_item(
            TableName=world.app.settings.common.tables.audit,
            Key={
                "pk": {"S": f"wsp#T#{company.id}#ENT#{subject}"},
                "sk": {"S": "0000000001"},
            },
            UpdateExpression="SET actor = :a",
            ExpressionAttributeValues={":a": {"S": "user:somebody-else"}},
        )
    broken = world.call("GET", "/v1/audit/verify", key).json()
    assert broken["status"] == "broken"
    assert broken["first_broken"] == {
        "entity": subject,
        "sequence": 1,
        "code": "content_changed",
    }
