"""The use cases of pensions that are tried with every fault at every call.

Each is one invocation; ``arrange`` makes the world it finds and returns what arrives. Names of
the committed fault-point table (``tests/budgets/fault_points.json``) are the names here.
"""

import contextlib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final
from unittest import mock

from kernel.errors import ConflictError
from kernel.files import UploadedFile
from kernel.money import Money
from kernel.sensitive import Secret
from pensions.application import (
    contributions,
    imports,
    prepare_submission,
    refresh_status,
    remittances,
    resume_after_incident,
    settle_lines,
)
from pensions.application.contributions import ContributionFields
from pensions.domain.outcome import AnswerWord
from tests.support.drive import PASSWORD, PROVIDER, TENANT, Drive, UseCase, Work
from tests.support.events import bus_event
from tests.support.pensions_builders import JUNE, fields_of, tckn
from toolkit.http.idempotency import Command

EARNINGS: Final = Money(3_303_000, "TRY")
LINES: Final = 4
"""With ``small_groups`` this is two commits of lines and the one of the header."""


_GROUPED: Final = (
    contributions,
    prepare_submission,
    refresh_status,
    remittances,
    resume_after_incident,
    settle_lines,
)


@contextlib.contextmanager
def small_groups() -> Iterator[None]:
    """Two lines in a transaction and three rows in a chunk: few lines show every interleaving."""
    with contextlib.ExitStack() as stack:
        for module in _GROUPED:
            stack.enter_context(mock.patch.object(module, "GROUP", 2))
        chunks: Any = imports._chunks
        stack.enter_context(mock.patch.object(chunks, "__defaults__", (3,)))
        yield


def command(key: str) -> Command:
    """A client's command: asked again with the same key until it is answered."""
    return Command("user:U1", "POST /x", key, "hash")


def sent_messages(drive: Drive, trigger: str) -> list[Work]:
    """Messages of one trigger that wait."""
    return [work for work in drive.mailbox if work.trigger == trigger]


def submit_people(drive: Drive, contract_id: str, ids: list[str] | None = None) -> Work:
    """Given: a started submission; returns the message for the worker that prepares it."""
    drive.use().submit_employees()(contract_id, ids, command(f"people-{drive.ids.used}"))
    drive.collect()
    return sent_messages(drive, "prepare")[-1]


def prepared_people(drive: Drive, contract_id: str) -> Work:
    """Given: an open transmission; returns the message for the worker that sends it."""
    drive.deliver(submit_people(drive, contract_id))
    return sent_messages(drive, "send")[-1]


def enrolled(drive: Drive, count: int, provider: str = PROVIDER) -> tuple[str, list[str]]:
    """Given: a contract with enrolled people."""
    contract_id = drive.contract(provider)
    ids = drive.people(contract_id, count)
    drive.deliver(prepared_people(drive, contract_id))
    drive.work()
    drive.settle()  # some insurers give policy numbers later
    assert set(drive.states("employee").values()) == {"enrolled"}
    return contract_id, ids


def calculated(drive: Drive, contract_id: str, ids: list[str], *, tenant_id: str = TENANT) -> None:
    """Given: the contributions of June."""
    rows = [ContributionFields(identity, earnings=EARNINGS) for identity in ids]
    drive.use(tenant_id).calculate_contributions()(contract_id, JUNE, rows)


def submit_money(drive: Drive, contract_id: str) -> Work:
    """Given: a started submission of June; returns the message that prepares it."""
    drive.use().submit_contributions()(contract_id, JUNE, command(f"money-{drive.ids.used}"))
    drive.collect()
    return sent_messages(drive, "prepare")[-1]


def count_of(drive: Drive, kind: str, state: str) -> int:
    """Number of entities of a kind in a state."""
    return list(drive.states(kind).values()).count(state)


def accepted(drive: Drive) -> int:
    """Lines the insurer took."""
    return sum(effect.word is AnswerWord.ACCEPTED for effect in drive.insurers.effects)


# ---------------------------------------------------------------------------- sending


def _mixed(drive: Drive) -> Work:
    contract_id = drive.contract()
    drive.people(contract_id, LINES)
    work = prepared_people(drive, contract_id)
    drive.insurers.script(PROVIDER, {"reject": {"national_id": tckn(1), "reason": "identity"}})
    drive.insurers.script(PROVIDER, {"kind": "partial", "operation": "enrol", "omit": 1})
    return work


def _mixed_end(drive: Drive) -> None:
    assert count_of(drive, "employee", "enrolled") == LINES - 1
    assert count_of(drive, "employee", "rejected") == 1


def _money(drive: Drive) -> Work:
    contract_id, ids = enrolled(drive, LINES)
    calculated(drive, contract_id, ids)
    drive.deliver(submit_money(drive, contract_id))
    reason = {"national_id": tckn(3), "reason": "collection_failed"}
    drive.insurers.script(PROVIDER, {"reject": reason})
    return sent_messages(drive, "send")[-1]


def _money_end(drive: Drive) -> None:
    assert count_of(drive, "contribution", "accepted") == LINES - 1
    assert count_of(drive, "contribution", "rejected") == 1


def _wrong_password(drive: Drive) -> Work:
    contract_id = drive.contract()
    drive.people(contract_id, LINES)
    work = prepared_people(drive, contract_id)
    drive.insurers.script(PROVIDER, {"account": {"username": "ws", "password": "changed"}})
    return work


def _new_password(drive: Drive) -> None:
    # Told once, held, and not one more call with the password that was refused (P15).
    told = {event["id"]: event["type"] for event in drive.events}
    assert list(told.values()).count("pensions.CredentialsRefused.v1") == 1, told
    assert drive.insurers.calls[PROVIDER, "enrol"] + drive.insurers.calls[PROVIDER, "query"] <= 2
    assert accepted(drive) == 0
    contract = next(iter(drive.use().store.contracts()))
    assert contract.credentials.state.value == "invalid"
    drive.use().store_credentials()(contract.id, "ws", Secret("changed"))


def _contract_expired(drive: Drive) -> Work:
    contract_id = drive.contract(ends_on=drive.clock.today("Europe/Istanbul"))
    drive.people(contract_id, LINES)
    work = prepared_people(drive, contract_id)
    drive.clock.advance(timedelta(days=2))
    return work


def _contract_expired_end(drive: Drive) -> None:
    assert count_of(drive, "employee", "held") == LINES
    assert accepted(drive) == 0


# ---------------------------------------------------------------------------- resolving


def _lost_answer(drive: Drive) -> Work:
    contract_id = drive.contract()
    drive.people(contract_id, LINES)
    work = prepared_people(drive, contract_id)
    drive.insurers.script(PROVIDER, {"kind": "lost_answer", "operation": "enrol"})
    drive.deliver(work)
    drive.clock.advance(timedelta(minutes=3))
    assert set(drive.states("employee").values()) == {"unknown"}
    drive.mailbox.clear()
    return work


def _all_enrolled(drive: Drive) -> None:
    assert count_of(drive, "employee", "enrolled") == LINES


def _lost_request(drive: Drive) -> Work:
    contract_id = drive.contract()
    drive.people(contract_id, LINES)
    work = prepared_people(drive, contract_id)
    drive.insurers.script(PROVIDER, {"kind": "drop_request", "operation": "enrol"})
    drive.deliver(work)
    drive.clock.advance(timedelta(minutes=3))
    drive.mailbox.clear()
    return work


def _refresh(drive: Drive) -> Work:
    contract_id, _ = enrolled(drive, 4)
    unknown = drive.people(contract_id, 2, first=11)
    drive.insurers.script(PROVIDER, {"kind": "lost_answer", "operation": "enrol"})
    drive.deliver(submit_people(drive, contract_id, unknown))
    drive.deliver(sent_messages(drive, "send")[-1])
    drive.clock.advance(timedelta(minutes=3))
    for number, what in ((1, "opt_out"), (2, "leave")):
        fact = {"national_id": tckn(number), "on": "2026-05-20"}
        drive.insurers.script(PROVIDER, {what: fact})
    drive.use().start_status_refresh()(contract_id)
    drive.collect()
    drive.mailbox[:] = sent_messages(drive, "refresh")
    return drive.mailbox[-1]


def _refresh_again(drive: Drive) -> None:
    # A refresh whose question was lost ends as failed and says so; the next one is a new question.
    drive.use().start_status_refresh()(next(iter(drive.use().store.contracts())).id)


def _refresh_end(drive: Drive) -> None:
    assert count_of(drive, "employee", "enrolled") == 4
    assert count_of(drive, "employee", "opted_out") == 1
    assert count_of(drive, "employee", "left") == 1


# ---------------------------------------------------------------------------- preparing


def _prepare_people(drive: Drive) -> Work:
    contract_id = drive.contract()
    drive.people(contract_id, LINES)
    return submit_people(drive, contract_id)


def _prepare_money(drive: Drive) -> Work:
    contract_id, ids = enrolled(drive, LINES)
    calculated(drive, contract_id, ids)
    work = submit_money(drive, contract_id)
    fact = {"national_id": tckn(1), "on": "2026-05-20"}
    drive.insurers.script(PROVIDER, {"opt_out": fact})
    drive.use().start_status_refresh()(contract_id)
    drive.collect()
    drive.deliver(sent_messages(drive, "refresh")[-1])
    drive.mailbox[:] = [work]
    return work


def _prepare_money_end(drive: Drive) -> None:
    assert count_of(drive, "contribution", "accepted") == LINES - 1
    assert count_of(drive, "contribution", "excluded") == 1


def _prepare_alike(drive: Drive) -> Work:
    """Wage and bonus on one day, at an insurer that could not tell them apart in one call."""
    contract_id, ids = enrolled(drive, 2, "nn")
    calculated(drive, contract_id, ids)
    bonus = ContributionFields(ids[0], earnings=EARNINGS, sequence=2)
    drive.use().calculate_contributions()(contract_id, JUNE, [bonus])
    return submit_money(drive, contract_id)


def _prepare_alike_end(drive: Drive) -> None:
    assert count_of(drive, "contribution", "accepted") == 3
    collected = [effect for effect in drive.insurers.effects if effect.amount is not None]
    assert len({(each.reference, each.national_id) for each in collected}) == 3


def _submit(drive: Drive) -> Work:
    contract_id = drive.contract()
    drive.people(contract_id, 3)
    same = command("the-key")
    return Work(
        "ask",
        {"what": "submit"},
        lambda world: world.use().submit_employees()(contract_id, None, same),
    )


def _submit_end(drive: Drive) -> None:
    assert count_of(drive, "employee", "enrolled") == 3
    jobs = [row for row in drive.rows("core") if "#JOB#" in row["pk"]]
    assert len(jobs) == 1


def _submit_month(drive: Drive) -> Work:
    contract_id, ids = enrolled(drive, 2)
    calculated(drive, contract_id, ids)

    def ask(world: Drive) -> None:
        # Two people of one company, each with an own key: the second is told, not doubled.
        key = command(f"month-{world.ids.used}")
        try:
            world.use().submit_contributions()(contract_id, JUNE, key)
        except ConflictError as error:
            assert error.code == "submission_running"  # noqa: PT017

    return Work("ask", {"what": "submit month"}, ask)


def _submit_month_end(drive: Drive) -> None:
    assert count_of(drive, "contribution", "accepted") == 2


def _release(drive: Drive) -> Work:
    contract_id = drive.contract()
    drive.people(contract_id, 4)
    drive.insurers.script(PROVIDER, {"account": {"username": "ws", "password": "new"}})
    drive.deliver(prepared_people(drive, contract_id))
    drive.work()
    assert count_of(drive, "employee", "held") == 4
    drive.use().store_credentials()(contract_id, "ws", Secret("new"))
    drive.collect()
    return sent_messages(drive, "prepare")[-1]


def _release_end(drive: Drive) -> None:
    assert count_of(drive, "employee", "enrolled") == 4


# ---------------------------------------------------------------------------- news of workspace


def news(kind: str, data: dict[str, Any], number: int = 0) -> Work:
    """An event of workspace as the bus delivers it; ``number`` tells events apart."""
    envelope = {
        "id": f"01JXQ60A1B2C3D4E5F6G7H{number:04d}",
        "type": f"workspace.{kind}.v1",
        "source": "kopru.workspace",
        "time": "2026-06-01T09:00:00Z",
        "tenant_id": TENANT,
        "subject": "item:1",
        "data": data,
    }
    return Work("news", bus_event(envelope))


def incidents(drive: Drive) -> list[Mapping[str, Any]]:
    """What was told of incidents so far, each once."""
    opened = [event for event in drive.events if event["type"] == "pensions.IncidentOpened.v1"]
    return list({event["id"]: event["data"] for event in opened}.values())


def resolved(told: Mapping[str, Any], number: int = 0) -> Work:
    """The news that an incident was resolved."""
    data = {name: told[name] for name in ("incident_id", "subject", "code")}
    return news("IncidentResolved", data, number)


def _resolved(drive: Drive) -> Work:
    (told,) = incidents(drive)
    return resolved(told)


def _held_people(drive: Drive) -> Work:
    contract_id = drive.contract()
    drive.people(contract_id, LINES)
    for number in (1, 2):
        reason = {"national_id": tckn(number), "reason": "system"}
        drive.insurers.script(PROVIDER, {"reject": reason})
    drive.deliver(prepared_people(drive, contract_id))
    drive.settle()
    assert count_of(drive, "employee", "held") == 2
    for number in (1, 2):
        drive.insurers.script(PROVIDER, {"accept": {"national_id": tckn(number)}})
    return _resolved(drive)


def _refused_money(drive: Drive) -> Work:
    contract_id, ids = enrolled(drive, LINES)
    calculated(drive, contract_id, ids)
    for number in (1, 2, 3):
        reason = {"national_id": tckn(number), "reason": "collection_failed"}
        drive.insurers.script(PROVIDER, {"reject": reason})
    drive.deliver(submit_money(drive, contract_id))
    drive.deliver(sent_messages(drive, "send")[-1])
    drive.settle()
    return _resolved(drive)


def _refused_money_end(drive: Drive) -> None:
    assert count_of(drive, "contribution", "calculated") == LINES - 1
    told = {event["id"]: event["data"] for event in drive.events if "Attention" in event["type"]}
    (released,) = [data for data in told.values() if data.get("code") == "contributions_released"]
    assert released["count"] == LINES - 1


def _stopped(drive: Drive) -> Work:
    contract_id = drive.contract("avivasa")
    drive.people(contract_id, 2)
    prepare = submit_people(drive, contract_id)
    drive.deliver(prepare)
    drive.mailbox[:] = sent_messages(drive, "send")
    return news("JobCancelRequested", {"job_id": prepare.body["job_id"]})


def _stopped_end(drive: Drive) -> None:
    (job,) = [row for row in drive.rows("core") if "#JOB#" in row["pk"]]
    ready, done = (count_of(drive, "employee", state) for state in ("ready", "enrolled"))
    # The wish may come too late to keep anything back; the outcomes say what happened.
    assert job["status"] in ({"cancelled"} if ready else {"cancelled", "succeeded"})
    assert job.get("n_cancelled", 0) == ready
    assert (job["total"], job["done"], ready + done) == (2, 2, 2)
    assert accepted(drive) == done


# ---------------------------------------------------------------------------- credentials


def _store_credentials(drive: Drive) -> Work:
    contract_id = drive.contract()
    drive.people(contract_id, 1)
    secret = Secret(PASSWORD)
    return Work(
        "ask",
        {"what": "credentials"},
        lambda world: world.use().store_credentials()(contract_id, "ws", secret),
    )


def _credentials_open(drive: Drive) -> None:
    store = drive.use().store
    contract = next(iter(store.contracts()))
    assert store.credentials(contract)[1].reveal("test") == PASSWORD


def _test_credentials(drive: Drive) -> Work:
    contract_id = drive.contract()
    return Work(
        "ask",
        {"what": "test"},
        lambda world: world.use().test_credentials()(contract_id, deadline_seconds=20.0),
    )


def _test_credentials_end(drive: Drive) -> None:
    contract = next(iter(drive.use().store.contracts()))
    assert contract.credentials.last_test is not None


# ---------------------------------------------------------------------------- months


def _import(drive: Drive) -> Work:
    contract_id = drive.contract()
    drive.people(contract_id, 1)
    header = "TC Kimlik No;Ad Soyad;Doğum Tarihi;Cep Telefonu;İşe Giriş Tarihi"
    lines = [
        f"{tckn(n)};{fields_of(n)['first_name']} Örnek;01.02.1990;0533 100 00 {n:02d};01.03.2024"
        for n in range(1, 6)
    ]
    wrong = "12345678901;X Y;1990;0212;01.03.2024"
    content = "\n".join([header, *lines, wrong]).encode("cp1254")
    file = UploadedFile(content, "text/csv", "personel.csv")
    drive.use().start_import()(contract_id, "employees", file=file)
    drive.collect()
    return sent_messages(drive, "import")[-1]


def _import_end(drive: Drive) -> None:
    assert count_of(drive, "employee", "ready") == 5
    assert count_of(drive, "employee", "invalid") == 1
    job = next(row for row in drive.rows("core") if row.get("kind") == "employees_import")
    assert (job["total"], job["done"], job["failed"]) == (6, 6, 1)
    assert job["result"]["counts"] == {"changed": 1, "created": 4, "invalid": 1}


def _calculate(drive: Drive) -> Work:
    contract_id, ids = enrolled(drive, 3)
    return Work("ask", {"what": "calculate"}, lambda world: calculated(world, contract_id, ids))


def _calculate_end(drive: Drive) -> None:
    assert count_of(drive, "contribution", "calculated") == 3


def _mark_paid(drive: Drive) -> Work:
    contract_id, ids = enrolled(drive, 3)
    calculated(drive, contract_id, ids)
    drive.deliver(submit_money(drive, contract_id))
    drive.work()
    assert count_of(drive, "contribution", "accepted") == 3
    return Work(
        "ask",
        {"what": "paid"},
        lambda world: world.use().mark_remittance_paid()(contract_id, JUNE),
    )


def _mark_paid_end(drive: Drive) -> None:
    assert count_of(drive, "contribution", "settled") == 3


def _sweep(drive: Drive) -> Work:
    """A lost queue and dead processes everywhere; the sweep itself meets the fault."""
    contract_id = drive.contract()
    drive.people(contract_id, 3)
    submit_people(drive, contract_id)
    drive.mailbox.clear()
    drive.clock.advance(timedelta(minutes=3))

    def ask(world: Drive) -> None:
        world.application.relay_outbox()
        world.application.sweep()()

    return Work("ask", {"what": "sweep"}, ask)


def _sweep_end(drive: Drive) -> None:
    assert count_of(drive, "employee", "enrolled") == 3


USE_CASES: Final = (
    UseCase("send enrolment", _mixed, _mixed_end),
    UseCase("send collection", _money, _money_end),
    UseCase("send with a wrong password", _wrong_password, _all_enrolled, _new_password),
    UseCase("send after the contract expired", _contract_expired, _contract_expired_end),
    UseCase("ask after a lost answer", _lost_answer, _all_enrolled),
    UseCase("ask after a lost request", _lost_request, _all_enrolled),
    UseCase("refresh status", _refresh, _refresh_end, _refresh_again),
    UseCase("prepare enrolment", _prepare_people, _all_enrolled),
    UseCase("prepare collection", _prepare_money, _prepare_money_end),
    UseCase("prepare alike collections", _prepare_alike, _prepare_alike_end),
    UseCase("submit people", _submit, _submit_end),
    UseCase("submit a month", _submit_month, _submit_month_end),
    UseCase("release held people", _release, _release_end),
    UseCase("resume held people", _held_people, _all_enrolled),
    UseCase("release refused contributions", _refused_money, _refused_money_end),
    UseCase("stop a submission", _stopped, _stopped_end),
    UseCase("store credentials", _store_credentials, _credentials_open),
    UseCase("test credentials", _test_credentials, _test_credentials_end),
    UseCase("import people", _import, _import_end),
    UseCase("calculate a month", _calculate, _calculate_end),
    UseCase("mark a month as paid", _mark_paid, _mark_paid_end),
    UseCase("sweep", _sweep, _sweep_end),
)
BY_NAME: Final = {use_case.name: use_case for use_case in USE_CASES}
