"""The desk of machine 3 over the API, the workers and the simulated network, with faults."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from itertools import count
from typing import Any, Final

from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from tests.support.aws import START, aws_world, platform_of
from tests.support.events import queue_event
from tests.support.faults import SWITCHBOARD, Faults, Killed, switched_on
from tests.support.lambda_context import LambdaContext
from tests.support.payment_faults import FaultyProvider
from tests.support.payment_machine import Desk, PaymentMachine, Seen
from tests.support.payment_world import BASE, CUSTOMER, TENANT, PaymentWorld, payment_world

ROUND: Final = timedelta(seconds=200)
_RUNS = count(1)
_WORLD: list[PaymentWorld] = []


@contextmanager
def machine_world() -> Iterator[None]:
    """One account for all runs of a machine; every run has documents of its own."""
    with ExitStack() as stack:
        aws = stack.enter_context(aws_world())
        clock = FixedClock(START)
        platform = platform_of(aws, clock=clock, ids=SequenceIds(at=START))
        world = stack.enter_context(payment_world(aws, platform, clock))
        stack.enter_context(switched_on(clock))
        world.app.__dict__["_gateway"] = FaultyProvider(world.app.__dict__["_gateway"])
        world.organisation()
        world.renew_secret()
        _WORLD.append(world)
        yield
        _WORLD.clear()


class WorldDesk(Desk):
    """The API, the workers and the network."""

    def __init__(self) -> None:
        self.world = _WORLD[0]
        self.run = next(_RUNS)
        self.notes = count(1)
        self.handles: list[str] = []

    def issue(self, document: str, amount: int | None) -> tuple[str, str] | None:
        body = {
            "kind": "vehicle_order.payment_requested",
            "document": {
                "id": f"{document}-{self.run}",
                "customer": CUSTOMER,
                "amount": _money(amount) if amount is not None else None,
            },
        }
        answer = self.world.call("POST", f"{BASE}/document-events", body)
        if answer.status == 409:
            assert answer.json()["code"] == "document_has_code"
            return None
        assert answer.status == 201, answer.body
        self.world.work()
        code = answer.json()["code"]
        self.handles.append(code["id"])
        return code["id"], code["code"]

    def pay(self, rf: str, minor: int, *, with_id: bool) -> tuple[str, str]:
        made = self.world.pay(rf, _money(minor)["amount"], with_id=with_id)
        return made["key"], made["id"]

    def reverse(self, ref: str, minor: int) -> tuple[str, str]:
        wish = {"payment_id": ref, "amount": _money(minor)["amount"]}
        made = self.world.network.reverse(wish)
        return made["key"], made["id"]

    def repeat(self, ref: str) -> None:
        self.world.network.set_times(ref, 2)

    def pull(self, handle: str, cut: dict[str, Any] | None, fault: tuple[str, int] | None) -> None:
        self.world.aws.messages("payment-codes-pull")  # hints of notifications get lost
        if cut is not None:
            self.world.network.queue({"operation": "payments", **cut})
        if fault is None:
            assert self._deliver(handle)
            return
        mode, number = fault
        SWITCHBOARD.faults = Faults(number, mode, race=lambda: _quietly(self._deliver, handle))
        done = self._deliver(handle)
        SWITCHBOARD.faults = None
        for _ in range(8):
            if done:
                break
            self.world.clock.advance(ROUND)
            done = self._deliver(handle)
        assert done, "never acknowledged"
        # A call that was refused is acknowledged too: the schedule asks again.
        assert self._deliver(handle)

    def _deliver(self, handle: str) -> bool:
        from payment_codes.handlers import pull_payments

        message = {"v": 1, "tenant_id": TENANT, "code_id": handle, "hops": 0}
        with SWITCHBOARD.actor():
            try:
                answer = pull_payments.handler(
                    queue_event(message), LambdaContext(remaining_ms=60_000)
                )
            except Killed:
                return False
        return not answer["batchItemFailures"]

    def notify(self, rf: str, kind: str) -> None:
        identity = f"n-{self.run}-{next(self.notes)}"
        if kind == "forged":
            assert self.world.notify(rf, identity=identity, key=b"forged").status == 401
        elif kind == "old":
            stamp = int(self.world.clock.now().timestamp()) - 301
            assert self.world.notify(rf, identity=identity, stamp=stamp).status == 401
        else:
            assert self.world.notify(rf, identity=identity).json() == {"status": "taken"}
        if kind == "repeated":
            assert self.world.notify(rf, identity=identity).json() == {"status": "repeated"}
        # The pull that it asks for is a step of its own; the next document would work it off.
        self.world.aws.messages("payment-codes-pull")

    def cancel(self, handle: str) -> bool:
        answer = self.world.call("POST", f"{BASE}/{handle}/cancel")
        assert answer.status in (200, 409)
        self.world.aws.messages("payment-codes-issue")
        return answer.status == 200

    def look(self, handle: str) -> Seen:
        code = self.world.code(handle)
        booked: Counter[int] = Counter()
        for payment in self.world.payments(handle):
            if payment["state"] in ("booked", "assigned"):
                minor = _minor(payment["amount"])
                booked[-minor if payment["outcome"] == "reversal" else minor] += 1
        return Seen(
            code["status"],
            _minor(code["paid_total"]),
            _minor(code["late_total"]),
            _minor(code["remaining"]) if code["remaining"] is not None else None,
            _minor(code["surplus"]),
            code["missing_payments"],
            booked,
        )

    def check_ledger(self) -> None:
        rows = self.world.aws.rows("ledger")
        entries: Counter[tuple[str, str]] = Counter()
        for row in rows:
            if row["sk"] != "BAL":
                entries[row["pk"], f"{row['leg']}_{row['name']}"] += row["amount"]
        balances = {
            (row["pk"], name): value
            for row in rows
            if row["sk"] == "BAL"
            for name, value in row.items()
            if name[:2] in ("D_", "C_")
        }
        assert dict(entries) == balances
        for handle in self.handles:
            own = {
                name: sum(v for (pk, n), v in entries.items() if pk.endswith(handle) and n == name)
                for name in {n for _, n in entries}
            }
            debits = sum(value for name, value in own.items() if name.startswith("D_"))
            assert 2 * debits == sum(own.values())
            into = sum(own.get(f"D_{name}", 0) for name in ("bank", "assigned"))
            out_of = sum(own.get(f"C_{name}", 0) for name in ("bank", "assigned"))
            assert into - out_of == _minor(self.world.code(handle)["paid_total"])


def _quietly(deliver: Callable[[str], bool], handle: str) -> None:
    """The second actor of a race may fail as it likes."""
    with suppress(Exception):
        deliver(handle)


def _money(minor: int) -> dict[str, str]:
    return {"amount": f"{minor // 100}.{minor % 100:02d}", "currency": "EUR"}


def _minor(money: dict[str, str]) -> int:
    return int(money["amount"].replace(".", ""))


class WorldMachine(PaymentMachine):
    """The machine over everything that is real."""

    faults = True

    def desk_of_run(self) -> Desk:
        return WorldDesk()
