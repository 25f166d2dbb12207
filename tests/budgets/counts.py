"""What a use case costs, by kind and by number of lines; committed in ``budgets.json``.

Units: HTTP attempts to AWS and calls through the insurer port, when nothing goes wrong; what those
calls are charged for (``tests.support.capacity``); ``log_bytes`` of log lines and metrics, in whole
quarters of a kibibyte, because a line names its place in the source.
"""

import io
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from kernel.clock import FixedClock
from kernel.files import UploadedFile
from kernel.periods import Period
from kernel.sensitive import Secret
from payment_codes.application.issue_batch import wish_of
from payment_codes.domain.batch import BatchDocument
from payment_codes.domain.payment_code import Customer
from payment_codes.domain.source import Source, SourceKind
from tests.budgets.use_cases import watched
from tests.crash.use_cases import (
    calculated,
    command,
    enrolled,
    prepared_people,
    sent_messages,
    submit_money,
    submit_people,
)
from tests.support.aws import START, aws_world, platform_of
from tests.support.capacity import charged
from tests.support.drive import PROVIDER, ROUND, Drive, Work, driving
from tests.support.events import queue_event
from tests.support.faults import SWITCHBOARD, Faults, switched_on
from tests.support.lambda_context import LambdaContext
from tests.support.payment_world import TENANT, PaymentWorld, payment_world
from tests.support.pensions_builders import JUNE, fields_of, tckn
from tests.support.statements import Move, camt

FILE: Final = Path(__file__).with_name("budgets.json")
KINDS: Final = {
    "dynamodb.GetItem": "reads",
    "dynamodb.BatchGetItem": "reads",
    "dynamodb.Query": "reads",
    "dynamodb.TransactWriteItems": "transactions",
    "dynamodb.UpdateItem": "updates",
    "dynamodb.PutItem": "updates",
    "dynamodb.BatchWriteItem": "outbox_marks",
    "eventbridge.PutEvents": "queue_bus",
    "sqs.SendMessageBatch": "queue_bus",
    "kms.Encrypt": "kms",
    "kms.Decrypt": "kms",
    "s3.GetObject": "s3",
    "s3.PutObject": "s3",
}
Act = Callable[[], Any]
Counts = dict[str, int]
Count = Callable[[Act, io.StringIO | None], Counts]


CALLS: Final = frozenset({*KINDS.values(), "insurer"})
"""Kinds that are calls; the others are charges of calls, or bytes."""

_LOG_STEP: Final = 256


def count(act: Act, log: io.StringIO | None = None) -> Counts:
    """Calls of one act by kind, what they are charged for, and bytes logged.

    A call of an unknown kind is counted under its own name. ``log`` is where the act itself sends
    what it logs, if not to standard output.
    """
    with counting() as counted:
        return counted(act, log)


@contextmanager
def counting() -> Iterator[Count]:
    """``count`` for many acts in a row."""
    with charged() as charges:

        def counted(act: Act, log: io.StringIO | None = None) -> Counts:
            charges.clear()
            trace, said = _heard(act, log)
            kinds = Counter(
                "insurer" if label.startswith("insurer.") else KINDS.get(label, label)
                for label in trace
            )
            logged = -(-len(said.encode()) // _LOG_STEP) * _LOG_STEP
            found = {**charges, **kinds, "log_bytes": logged}
            return {kind: amount for kind, amount in sorted(found.items()) if amount}

        yield counted


def _heard(act: Act, log: io.StringIO | None) -> tuple[list[str], str]:
    """Labels of the calls of one act, and what it logged."""
    written = io.StringIO()
    before = len(log.getvalue()) if log is not None else 0
    SWITCHBOARD.faults = faults = Faults()
    try:
        with watched(), redirect_stdout(written):
            act()
    finally:
        SWITCHBOARD.faults = None
        sys.stdout.write(written.getvalue())
    return faults.trace, written.getvalue() + (log.getvalue()[before:] if log is not None else "")


def _delivery(drive: Drive, work: Work) -> Act:
    def deliver() -> None:
        assert drive.deliver(work), drive.logs.getvalue()

    return deliver


# ---------------------------------------------------------------------------- what is measured


def create_employee(drive: Drive, _n: int) -> Act:
    """One person by hand."""
    contract_id = drive.contract()
    return lambda: drive.use().add_employee()(contract_id, fields_of(1))


def store_credentials(drive: Drive, _n: int) -> Act:
    """New credentials."""
    contract_id = drive.contract()
    return lambda: drive.use().store_credentials()(contract_id, "ws", Secret("x"))


def submit_people_of(drive: Drive, n: int) -> Act:
    """Ask that n people are sent."""
    contract_id = drive.contract()
    drive.people(contract_id, n)
    return lambda: drive.use().submit_employees()(contract_id, None, command("one"))


def prepare_people(drive: Drive, n: int) -> Act:
    """Bind n people to one transmission."""
    contract_id = drive.contract()
    drive.people(contract_id, n)
    return _delivery(drive, submit_people(drive, contract_id))


def send_people(drive: Drive, n: int) -> Act:
    """One transmission of n people, all accepted."""
    contract_id = drive.contract()
    drive.people(contract_id, n)
    return _delivery(drive, prepared_people(drive, contract_id))


def query_people(drive: Drive, n: int) -> Act:
    """Ask about one transmission of n people whose answer was lost."""
    contract_id = drive.contract()
    drive.people(contract_id, n)
    work = prepared_people(drive, contract_id)
    drive.insurers.script(PROVIDER, {"kind": "lost_answer", "operation": "enrol"})
    drive.deliver(work)
    drive.clock.advance(ROUND)
    return _delivery(drive, work)


def prepare_money(drive: Drive, n: int) -> Act:
    """Bind n contributions."""
    contract_id, ids = enrolled(drive, n)
    calculated(drive, contract_id, ids)
    return _delivery(drive, submit_money(drive, contract_id))


def send_money(drive: Drive, n: int) -> Act:
    """One transmission of n contributions, all accepted."""
    contract_id, ids = enrolled(drive, n)
    calculated(drive, contract_id, ids)
    drive.deliver(submit_money(drive, contract_id))
    return _delivery(drive, sent_messages(drive, "send")[-1])


def calculate(drive: Drive, n: int) -> Act:
    """Compute a month of n people."""
    contract_id, ids = enrolled(drive, n)
    return lambda: calculated(drive, contract_id, ids)


def import_people(drive: Drive, n: int) -> Act:
    """A payroll file of n new people."""
    contract_id = drive.contract()
    header = "TC Kimlik No;Ad Soyad;Doğum Tarihi;Cep Telefonu;İşe Giriş Tarihi"
    lines = [
        f"{tckn(k)};{fields_of(k)['first_name']} Örnek;01.02.1990;0532 {k:07d};01.03.2024"
        for k in range(1, n + 1)
    ]
    return _import(drive, contract_id, "employees", [header, *lines], None)


def import_month(drive: Drive, n: int) -> Act:
    """A payroll file with the earnings of n people."""
    contract_id, _ = enrolled(drive, n)
    lines = [f"{tckn(k)};33.030,00" for k in range(1, n + 1)]
    header = "TC Kimlik No;Prime Esas Kazanç"
    return _import(drive, contract_id, "contributions", [header, *lines], JUNE)


def _import(
    drive: Drive, contract_id: str, kind: str, lines: list[str], period: Period | None
) -> Act:
    file = UploadedFile("\n".join(lines).encode(), "text/csv", "payroll.csv")
    drive.use().start_import()(contract_id, kind, file=file, period=period)
    drive.collect()
    return _delivery(drive, sent_messages(drive, "import")[-1])


def refresh(drive: Drive, n: int) -> Act:
    """Ask where n enrolled people stand; nobody moved."""
    contract_id, _ = enrolled(drive, n)
    drive.use().start_status_refresh()(contract_id)
    drive.collect()
    return _delivery(drive, sent_messages(drive, "refresh")[-1])


def idle_sweep(drive: Drive, _n: int) -> Act:
    """The minute run when nothing is due."""
    drive.contract()
    return drive.sweep


@contextmanager
def payments() -> Iterator[PaymentWorld]:
    """Payment codes over a fresh account."""
    with (
        aws_world() as aws,
        switched_on(clock := FixedClock(START)),
        payment_world(aws, platform_of(aws, clock=clock), clock) as world,
    ):
        yield world


@contextmanager
def issuing() -> Iterator[PaymentWorld]:
    """The same, with an organisation at the network."""
    with payments() as world:
        world.organisation()
        yield world


def issue_codes(n: int) -> Counts:
    """Codes of n documents by one message of the queue, without the provider; one by hand."""
    from payment_codes.handlers import issue_batch

    with issuing() as world:
        use = world.app.for_system(TENANT, "budget")
        documents = [
            BatchDocument(
                row, Source(SourceKind.BILL_BATCH, f"B-{row}"), Customer("C-1", "N"), None
            )
            for row in range(n)
        ]
        if n == 1:
            return count(lambda: use.issue_code()(wish_of(documents[0], "")))
        use.start_batch().of_list(documents)
        (message,) = world.aws.messages("payment-codes-batch")
        context = LambdaContext(remaining_ms=60_000)
        return count(lambda: issue_batch.handler(queue_event(message), context))


def _code_with_payments(world: PaymentWorld, n: int) -> dict[str, Any]:
    """A registered code under which n equal payments of one day wait to be read."""
    code = world.issue(source={"kind": "vehicle_order", "id": "V-1"}, amount=None)
    world.work()
    for _ in range(n):
        world.pay(code["code"], "10.00")
    return code


def pull_payments(n: int) -> Counts:
    """Read the list of one code with n new payments."""
    from payment_codes.handlers import pull_payments as handlers

    with issuing() as world:
        code = _code_with_payments(world, n)
        message = {"v": 1, "tenant_id": TENANT, "code_id": code["id"], "hops": 0}
        context = LambdaContext(remaining_ms=60_000)
        return count(lambda: handlers.handler(queue_event(message), context))


def pull_without_news(_n: int) -> Counts:
    """Read the list of one code of which everything is known."""
    from payment_codes.handlers import pull_payments as handlers

    with issuing() as world:
        code = _code_with_payments(world, 3)
        message = {"v": 1, "tenant_id": TENANT, "code_id": code["id"], "hops": 0}
        context = LambdaContext(remaining_ms=60_000)
        handlers.handler(queue_event(message), context)
        return count(lambda: handlers.handler(queue_event(message), context))


def take_notification(_n: int) -> Counts:
    """One signed notification of a code of ours."""
    with issuing() as world:
        world.renew_secret()
        code = _code_with_payments(world, 1)
        return count(lambda: world.notify(code["code"]))


def ask_for_news(_n: int) -> Counts:
    """The scheduled pull when one organisation and no code are due."""
    from payment_codes.handlers import refresh_payments

    with issuing() as world:
        world.minute()
        world.clock.advance(timedelta(seconds=60))
        return count(lambda: refresh_payments.handler({}, LambdaContext()))


def import_statement(n: int) -> Counts:
    """A bank statement of n lines, each a payment that only the bank knows."""
    from payment_codes.handlers import import_statement as handlers

    with issuing() as world:
        code = _code_with_payments(world, 0)
        moves = [Move(1_000 + number, code["code"]) for number in range(n)]
        job = world.statement(camt(moves), work=False)
        message = {"v": 1, "tenant_id": TENANT, "job_id": job["id"], "hops": 0}
        context = LambdaContext(remaining_ms=600_000)
        return count(lambda: handlers.handler(queue_event(message), context))


def send_mail(_n: int) -> Counts:
    """Hand over one mail with a code."""
    from payment_codes.handlers import send_mail as handlers

    with issuing() as world:
        code = _code_with_payments(world, 0)
        sent = world.call("POST", f"/v1/payment-codes/{code['id']}/send", {"channel": "email"})
        ids = {"mail_id": sent.json()["mail_id"], "code_id": code["id"]}
        message = {"v": 1, "tenant_id": TENANT, **ids, "hops": 0}
        context = LambdaContext(remaining_ms=30_000)
        return count(lambda: handlers.handler(queue_event(message), context))


SIZES: Final = (25, 50, 100)
ONE: Final = (1,)
MEASURES: Final[dict[str, tuple[Callable[[Drive, int], Act], tuple[int, ...]]]] = {
    "create employee": (create_employee, ONE),
    "store credentials": (store_credentials, ONE),
    "submit people": (submit_people_of, SIZES),
    "prepare people": (prepare_people, SIZES),
    "send people": (send_people, SIZES),
    "query people": (query_people, SIZES),
    "prepare contributions": (prepare_money, (20, 40, 80)),
    "send contributions": (send_money, (20, 40, 80)),
    "calculate month": (calculate, SIZES),
    "import people": (import_people, SIZES),
    "import month": (import_month, SIZES),
    "refresh status": (refresh, SIZES),
    "idle minute sweep": (idle_sweep, ONE),
}


WITHOUT_DRIVE: Final[dict[str, tuple[Callable[[int], Counts], tuple[int, ...]]]] = {
    "issue code": (issue_codes, ONE),
    "issue codes by queue": (issue_codes, SIZES),
    "pull payments": (pull_payments, (10, 20, 40)),
    "pull without news": (pull_without_news, ONE),
    "take notification": (take_notification, ONE),
    "ask for news": (ask_for_news, ONE),
    "import statement": (import_statement, (10, 20, 40)),
    "mail a code": (send_mail, ONE),
}
"""Use cases of contexts that do not need the drive of pensions."""
NAMES: Final = (*MEASURES, *WITHOUT_DRIVE)


def measure(name: str) -> dict[str, Counts]:
    """Counts of a use case by number of lines."""
    if name in WITHOUT_DRIVE:
        counted, numbers = WITHOUT_DRIVE[name]
        return {str(n): counted(n) for n in numbers}
    arrange, sizes = MEASURES[name]
    counts = {}
    for n in sizes:
        with driving() as drive:
            act = arrange(drive, n)
            counts[str(n)] = count(act, drive.logs)
    return counts
