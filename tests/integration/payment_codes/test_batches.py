"""Codes for many documents through the queue: each once, whatever it does (PAY-01, PAY-02)."""

import random
from collections import Counter
from datetime import timedelta
from typing import Any

from payment_codes.handlers import issue_batch, relay_outbox
from tests.support.aws import table_name
from tests.support.events import Answer, queue_event
from tests.support.fault_bench import buckets
from tests.support.lambda_context import LambdaContext, RunningOutContext
from tests.support.payment_world import BASE, OTHER, TENANT, PaymentWorld

BATCHES = f"{BASE}/batches"
HEADER = "Αριθμός αξιογράφου;Κωδικός πελάτη;Πελάτης;Ποσό;E-mail"


def _documents(count: int, **more: Any) -> list[dict[str, Any]]:
    return [
        {
            "source": {"kind": "bill_batch", "id": f"ΑΞ-{number}"},
            "customer": {"id": f"C-{number % 7}", "name": "Μαρία Δοκιμαστική"},
            "amount": {"amount": f"{100 + number}.00", "currency": "EUR"},
            **more,
        }
        for number in range(count)
    ]


def _file(lines: list[str]) -> bytes:
    return "\n".join([HEADER, *lines]).encode()


def _lines(count: int) -> list[str]:
    return [f"ΑΞ-{n};C-{n % 7};Μαρία Δοκιμαστική;{100 + n},00;" for n in range(count)]


def _import(world: PaymentWorld, content: bytes, **query: str) -> Answer:
    return world.call(
        "POST",
        f"{BATCHES}/imports",
        content,
        headers={"content-type": "text/csv"},
        query=query,
    )


def _job(world: PaymentWorld, answer: Answer) -> Any:
    assert answer.status == 202, answer.body
    found = world.app.for_system(TENANT, "test").store.job(answer.json()["id"])
    assert found is not None
    return found


def _codes(world: PaymentWorld) -> list[dict[str, Any]]:
    return [row for row in world.aws.rows("core") if row.get("kind") == "payment_code"]


def _exactly_one_each(world: PaymentWorld, count: int) -> None:
    rows = _codes(world)
    assert len(rows) == count
    for name in ("source_id", "ident", "code"):
        assert len({row[name] for row in rows}) == count
    owners = Counter(
        row["pk"].split("#UNIQ#")[1].split("#")[0]
        for row in world.aws.rows("flow")
        if "#UNIQ#" in row["pk"]
    )
    assert owners["IDENT"] == owners["RF"] == owners["SOURCE"] == count


def _deliver(body: dict[str, Any], *, breaks_off: bool = False) -> int:
    context = RunningOutContext() if breaks_off else LambdaContext(remaining_ms=60_000)
    return len(issue_batch.handler(queue_event(body), context)["batchItemFailures"])


def test_a_list_becomes_codes_and_the_job_says_so(world: PaymentWorld) -> None:
    world.organisation()
    answer = world.call("POST", BATCHES, {"documents": _documents(25)})
    assert answer.headers["location"] == f"/v1/jobs/{answer.json()['id']}"
    assert world.work() == []
    job = _job(world, answer)
    assert (job.status, job.total, job.done, job.failed) == ("succeeded", 25, 25, 0)
    assert job.result["counts"] == {"issued": 25}
    _exactly_one_each(world, 25)
    assert {row["registration"] for row in _codes(world)} == {"registered"}
    assert {row["batch"] for row in _codes(world)} == {job.id}


def test_the_same_list_again_issues_nothing(world: PaymentWorld) -> None:
    world.organisation("offline")
    for counts in ({"issued": 30}, {"exists": 30}):
        answer = world.call("POST", BATCHES, {"documents": _documents(30)})
        world.work()
        assert _job(world, answer).result["counts"] == counts
    _exactly_one_each(world, 30)


def test_a_file_of_300_under_doubled_shuffled_and_broken_off_messages(world: PaymentWorld) -> None:
    world.organisation()
    answer = _import(world, _file(_lines(300)))
    (read,) = world.aws.messages("payment-codes-batch")
    assert _deliver(read) == 0
    slices = world.aws.messages("payment-codes-batch")
    assert [message["slice"] for message in slices] == [0, 1, 2]
    # The reader's message comes twice; every slice comes three times, once short of time.
    assert _deliver(read) == 0
    assert world.aws.messages("payment-codes-batch") == []
    # One slice is broken off after three of its groups before anybody finishes it.
    assert _deliver(slices[1], breaks_off=True) == 1
    assert len(_codes(world)) == 24
    deliveries = [(message, breaks) for message in slices for breaks in (False, False, True)]
    random.Random(7).shuffle(deliveries)
    for message, breaks in deliveries:
        _deliver(message, breaks_off=breaks)
    assert world.aws.messages("payment-codes-batch") == []
    job = _job(world, answer)
    assert (job.status, job.done, job.result["counts"]) == ("succeeded", 300, {"issued": 300})
    _exactly_one_each(world, 300)
    # Every code is to be told to the provider by one message.
    told = Counter(body["code_id"] for body in world.aws.messages("payment-codes-issue"))
    assert (len(told), set(told.values())) == (300, {1})


def test_two_files_with_the_same_documents_at_once_issue_each_once(world: PaymentWorld) -> None:
    world.organisation("offline")
    first, second = (_import(world, _file(_lines(40))) for _ in range(2))
    world.work()
    counts = Counter(_job(world, first).result["counts"])
    counts += Counter(_job(world, second).result["counts"])
    assert counts == {"issued": 40, "exists": 40}
    _exactly_one_each(world, 40)


def test_every_wrong_row_is_named_and_the_others_are_issued(world: PaymentWorld) -> None:
    world.organisation("offline")
    world.issue(
        source={"kind": "bill_batch", "id": "ΑΞ-4"}, amount={"amount": "9.00", "currency": "EUR"}
    )
    world.call("PUT", f"{BASE}/customers/C-9", {"payment_code_enabled": False})
    answer = _import(
        world,
        _file(
            [
                "ΑΞ-1;C-1;Μαρία Δοκιμαστική;100,00;",
                ";C-1;Μαρία Δοκιμαστική;abc;nobody",
                "ΑΞ-1;C-1;Μαρία Δοκιμαστική;100,00;",
                "ΑΞ-3;C-9;Κλειστός Δοκιμή;10,00;",
                "ΑΞ-4;C-1;Μαρία Δοκιμαστική;10,00;",
                "ΑΞ-5;C-1;Μαρία Δοκιμαστική;;maria@customer.example",
            ]
        ),
    )
    world.work()
    job = _job(world, answer)
    assert (job.status, job.total, job.done, job.failed) == ("partially_succeeded", 6, 6, 4)
    assert [(p["line"], p["field"], p["code"]) for p in job.problems] == [
        (3, "document", "required"),
        (3, "amount", "amount"),
        (3, "email", "shape"),
        (4, "document", "duplicate_row"),
        (5, "", "customer_disabled"),
        (6, "", "document_has_code"),
    ]
    assert job.result["counts"] == {"issued": 2, "refused": 4}
    workbook = world.call("GET", f"{BATCHES}/{job.id}/corrected-workbook")
    assert workbook.status == 303
    opened = [row for row in _codes(world) if row["source_id"] == "ΑΞ-5"]
    assert opened[0]["amount"] is None


def test_a_dry_run_writes_no_code(world: PaymentWorld) -> None:
    world.organisation("offline")
    answer = _import(world, _file([*_lines(3), "ΑΞ-9;;;;"]), dry_run="true")
    world.work()
    job = _job(world, answer)
    assert (job.status, job.total, job.done) == ("partially_succeeded", 4, 4)
    assert job.result["counts"] == {"refused": 1, "valid": 3}
    assert _codes(world) == []


def test_a_wrong_list_is_refused_as_a_whole_with_every_pointer(world: PaymentWorld) -> None:
    world.organisation("offline")
    documents = _documents(3)
    documents[1] |= {"source": {"kind": "repair_order", "id": "RO-1"}, "amount": None}
    documents[2] |= {"source": documents[0]["source"], "valid_until": "2020-01-01"}
    answer = world.call("POST", BATCHES, {"documents": documents})
    assert answer.status == 422
    assert {problem["pointer"] for problem in answer.json()["errors"]} == {
        "/documents/1/amount",
        "/documents/2/document",
        "/documents/2/valid_until",
    }
    too_many = world.call("POST", BATCHES, {"documents": _documents(501)})
    assert [p["code"] for p in too_many.json()["errors"]] == ["list_length"]
    assert world.call("POST", BATCHES, {"documents": []}).status == 422
    assert world.aws.messages("payment-codes-batch") == []


def test_a_file_that_is_no_table_ends_the_job_with_its_reason(world: PaymentWorld) -> None:
    world.organisation("offline")
    answer = _import(world, "Ποσό;Πελάτης\n1,00;Μαρία\n".encode())
    world.work()
    job = _job(world, answer)
    assert job.status == "failed"
    assert {p["pointer"] for p in job.problems} == {"/header/document", "/header/customer_id"}


def test_the_sweep_finds_lost_slices_and_leaves_moving_ones_alone(world: PaymentWorld) -> None:
    world.organisation("offline")
    answer = _import(world, _file(_lines(250)))
    (read,) = world.aws.messages("payment-codes-batch")
    _deliver(read)
    first, *_lost = world.aws.messages("payment-codes-batch")
    _deliver(first)
    world.clock.advance(timedelta(minutes=11))
    relay_outbox.handler({}, LambdaContext())
    (look,) = world.aws.messages("payment-codes-batch")
    _deliver(look)  # something moved since the reader: wait
    assert world.aws.messages("payment-codes-batch") == []
    world.clock.advance(timedelta(minutes=11))
    relay_outbox.handler({}, LambdaContext())
    world.work()
    assert _job(world, answer).status == "succeeded"
    _exactly_one_each(world, 250)


def test_a_counter_that_was_set_back_doubles_nothing(world: PaymentWorld) -> None:
    world.organisation("offline")
    first = world.call("POST", BATCHES, {"documents": _documents(20)})
    world.work()
    store = world.app.for_system(TENANT, "test").store
    store.database.update(  # type: ignore[attr-defined]
        "core",
        store.keyspace.key("COUNTER", "91234"),  # type: ignore[attr-defined]
        "META",
        assign={"last": 3},
    )
    documents = _documents(40)[20:]
    second = world.call("POST", BATCHES, {"documents": documents})
    world.work()
    assert _job(world, first).status == _job(world, second).status == "succeeded"
    _exactly_one_each(world, 40)


def test_a_job_of_another_company_is_not_there(world: PaymentWorld) -> None:
    world.organisation("offline")
    answer = _import(world, _file(["ΑΞ-9;;;;"]))
    world.work()
    path = f"{BATCHES}/{answer.json()['id']}/corrected-workbook"
    assert world.call("GET", path, principal=world.principal(OTHER)).status == 404


def _undo(world: PaymentWorld, batch_id: str, **query: str) -> Any:
    answer = world.call("POST", f"{BATCHES}/{batch_id}/undo", query=query)
    world.work()
    return _job(world, answer)


def test_a_batch_is_taken_back_except_what_was_used_since(world: PaymentWorld) -> None:
    world.organisation()
    documents = _documents(6)
    documents[3]["customer"]["email"] = "maria@example.com"
    before = world.call("POST", BATCHES, {"documents": documents[:1]}).json()["id"]
    world.work()
    batch = world.call("POST", BATCHES, {"documents": documents}).json()["id"]
    world.work()
    found = {row["source_id"]: row for row in _codes(world)}
    world.pay(found["ΑΞ-1"]["code"], "101.00")
    world.minute()
    gone, mailed = (found[name]["pk"].rpartition("#")[2] for name in ("ΑΞ-2", "ΑΞ-3"))
    assert world.call("POST", f"{BASE}/{gone}/cancel", {"reason": "wrong"}).status == 200
    assert world.call("POST", f"{BASE}/{mailed}/send", {"channel": "email"}, key="m").status == 202
    world.work()
    check = _undo(world, batch, dry_run="true")
    assert check.result["counts"] == {"undoable": 2, "kept": 2, "gone": 1}
    assert {row["state"] for row in _codes(world)} == {"issued", "paid", "cancelled", "sent"}
    done = _undo(world, batch)
    assert (done.kind, done.status) == ("payment_code_batch_undo", "partially_succeeded")
    assert done.result["counts"] == {"undone": 2, "kept": 2, "gone": 1}
    assert {(p["pointer"], p["code"]) for p in done.problems} == {
        ("/documents/1", "code_has_payments"),
        ("/documents/3", "code_was_mailed"),
    }
    assert f"payment_code:{mailed}" in {p["subject"] for p in done.problems}
    # Again is the same job; nothing is lost, and the provider was asked to withdraw three codes.
    assert _undo(world, batch).id == done.id
    states = {row["source_id"]: row["state"] for row in _codes(world)}
    assert states["ΑΞ-0"] == "issued"  # the batch before had issued it
    assert [states[f"ΑΞ-{n}"] for n in (4, 5)] == ["cancelled", "cancelled"]
    assert {row["registration"] for row in _codes(world) if row["state"] == "cancelled"} == {
        "cancelled"
    }
    (history,) = [
        line
        for line in world.call("GET", f"{BASE}/{_id(found['ΑΞ-4'])}/history").json()["items"]
        if line["action"] == "code.batch_undone"
    ]
    assert history["detail"] == {"batch_id": batch}
    # The documents may have codes again.
    again = world.call("POST", BATCHES, {"documents": documents}).json()["id"]
    world.work()
    use = world.app.for_system(TENANT, "test").store
    job = use.job(again)
    assert job is not None
    assert job.result["counts"] == {"exists": 3, "issued": 3}
    assert before != batch


def _id(row: dict[str, Any]) -> str:
    return str(row["pk"].rpartition("#")[2])


def test_a_queued_mail_is_withdrawn_with_its_code_and_one_on_its_way_keeps_it(
    world: PaymentWorld,
) -> None:
    world.organisation("offline", mail_on_issue=True)
    documents = _documents(2)
    for document in documents:
        document["customer"]["email"] = "maria@example.com"
    batch = world.call("POST", BATCHES, {"documents": documents}).json()["id"]
    (message,) = world.aws.messages("payment-codes-batch")
    assert _deliver(message) == 0
    mails = {
        row["code_id"]: row for row in world.aws.rows("core") if row.get("kind") == "code_mail"
    }
    kept, taken = sorted(mails)
    world.aws.client("dynamodb").update_item(
        TableName=table_name("core"),
        Key={"pk": {"S": mails[kept]["pk"]}, "sk": {"S": "META"}},
        UpdateExpression="SET #s = :s",
        ExpressionAttributeNames={"#s": "state"},
        ExpressionAttributeValues={":s": {"S": "sending"}},
    )
    answer = world.call("POST", f"{BATCHES}/{batch}/undo")
    for _ in range(2):
        for body in world.aws.messages("payment-codes-batch"):
            assert _deliver(body) == 0
    assert _job(world, answer).result["counts"] == {"undone": 1, "kept": 1}
    states = {row["code_id"]: row["state"] for row in world.aws.rows("core") if "code_id" in row}
    assert states[taken] == "withdrawn"
    assert states[kept] == "sending"


def test_what_cannot_be_taken_back_is_refused_with_its_reason(world: PaymentWorld) -> None:
    world.organisation("offline")
    batch = world.call("POST", BATCHES, {"documents": _documents(1)}).json()["id"]
    path = f"{BATCHES}/{batch}/undo"
    assert world.call("POST", path).json()["code"] == "import_running"
    world.work()
    checked = _import(world, _file(_lines(1)), dry_run="true").json()["id"]
    known = _import(world, _file(_lines(1))).json()["id"]
    world.work()
    for job in (checked, known):
        answer = world.call("POST", f"{BATCHES}/{job}/undo")
        assert (answer.status, answer.json()["code"]) == (409, "not_undoable")
    assert world.call("POST", f"{BATCHES}/01JXQ60A1B2C3D4E5F6G7H8J9V/undo").status == 404
    assert world.call("POST", path, principal=world.principal(OTHER)).status == 404
    # The slices are deleted after seven days: said at once, and by a job that was on its way.
    started = world.call("POST", path)
    for bucket in buckets():
        for key in [key for key in dict.keys(bucket.keys) if f"/batches/{batch}/" in key]:
            dict.pop(bucket.keys, key)
    world.work()
    job = _job(world, started)
    assert (job.status, job.result["code"]) == ("failed", "undo_expired")
    assert world.call("POST", path, query={"dry_run": "true"}).json()["code"] == "undo_expired"
