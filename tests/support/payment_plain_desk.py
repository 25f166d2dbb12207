"""The desk of machine 3 over the rules alone: lists, keys and judgements beside plain dicts."""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from infra.local.simulators.dias.network import Network
from kernel.clock import FixedClock
from kernel.errors import ConflictError
from kernel.money import Money
from payment_codes.adapters.dias import transformers
from payment_codes.domain import payment as rules
from payment_codes.domain import rf_reference
from payment_codes.domain.organisation import Organisation, ProviderKind
from payment_codes.domain.payment import (
    Outcome,
    Payment,
    PaymentState,
    can_be_reversed,
    entries,
    judge,
    key_of,
)
from payment_codes.domain.payment_code import CodeStatus, Customer, PaymentCode
from payment_codes.domain.source import Source, SourceKind
from tests.support.aws import START
from tests.support.payment_machine import Desk, PaymentMachine, Seen

ORG = Organisation(
    id="T", org_code="91234", provider=ProviderKind.DIAS, payee="Δοκιμή ΑΕ", zone="Europe/Athens"
)


@dataclass
class PlainDesk(Desk):
    """Codes, payments and accounts in dicts; the network is the simulator's own book."""

    clock: FixedClock = field(default_factory=lambda: FixedClock(START))
    codes: dict[str, PaymentCode] = field(default_factory=dict)
    payments: dict[str, Payment] = field(default_factory=dict)
    accounts: Counter[str] = field(default_factory=Counter)
    newest: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.network = Network(None, self.clock.now)

    def issue(self, document: str, amount: int | None) -> tuple[str, str] | None:
        known = self.codes.get(self.newest.get(document, ""))
        if known is not None and known.status is not CodeStatus.CANCELLED:
            try:
                self.codes[known.id] = known.cancelled("")
            except ConflictError:
                return None
        number = len(self.codes) + 1
        money = Money(amount, "EUR") if amount is not None else None
        ident = f"300{number:012d}"
        made = PaymentCode(
            id=f"C-{number}",
            code=rf_reference.encode("91234", ident, money).code,
            org_code="91234",
            ident=ident,
            source=Source(SourceKind.VEHICLE_ORDER, document),
            customer=Customer("C", "N"),
            description="",
            currency="EUR",
            amount=money,
        )
        self.codes[made.id] = made
        self.newest[document] = made.id
        return made.id, made.code

    def pay(self, rf: str, minor: int, *, with_id: bool) -> tuple[str, str]:
        amount = f"{minor // 100}.{minor % 100:02d}"
        made = self.network.pay({"rf": rf, "amount": amount, "with_id": with_id})
        return made["key"], made["id"]

    def reverse(self, ref: str, minor: int) -> tuple[str, str]:
        amount = f"{minor // 100}.{minor % 100:02d}"
        made = self.network.reverse({"payment_id": ref, "amount": amount})
        return made["key"], made["id"]

    def repeat(self, ref: str) -> None:
        self.network.set_times(ref, 2)

    def notify(self, rf: str, kind: str) -> None:
        """The rules know no notification: there is nothing it could book."""

    def cancel(self, handle: str) -> bool:
        try:
            self.codes[handle] = self.codes[handle].cancelled("")
        except ConflictError:
            return False
        return True

    def pull(self, handle: str, cut: dict[str, Any] | None, fault: tuple[str, int] | None) -> None:
        assert fault is None
        if cut is not None:
            self.network.queue(cut)
        path = f"/v1/requests/{self.codes[handle].code}/payments"
        answer = self.network.handle("GET", path, {"authorization": "Bearer key"}, b"")
        listed = transformers.listed(transformers.members(answer.body))
        items = list(rules.keyed("dias", listed.payments))
        for item in items:
            if item.key in self.payments and not self._waits(item.key):
                continue
            blank = Payment(
                item.key,
                item.key,
                "dias",
                item.source,
                Outcome.UNMATCHED,
                PaymentState.UNMATCHED,
                START,
            )
            if item.repeats:
                self.payments[item.key] = replace(blank, state=PaymentState.IGNORED)
                continue
            self._book(handle, blank)
        present = {item.key for item in items}
        missing = sum(
            payment.state is PaymentState.BOOKED and key not in present
            for key, payment in self.payments.items()
            if payment.code_id == handle
        )
        self.codes[handle] = replace(self.codes[handle], missing=missing)

    def _waits(self, key: str) -> bool:
        payment = self.payments[key]
        return bool(payment.source.reversal_of) and payment.state is PaymentState.UNMATCHED

    def _book(self, handle: str, fresh: Payment) -> None:
        before = self.codes[handle]
        original = self.payments.get(key_of("dias", fresh.source.reversal_of))
        if original is not None and not can_be_reversed(original):
            original = None
        judged = judge(fresh, before, ORG, self.clock.today(ORG.zone), original)
        self.payments[fresh.key] = judged.payment
        if judged.payment.counts and judged.code is not None:
            self.codes[handle] = judged.code
            for entry in entries(before, judged.code):
                self.accounts[entry.debit] -= entry.amount
                self.accounts[entry.credit] += entry.amount
            if original is not None:
                taken = original.reversed + fresh.source.amount.minor
                self.payments[original.key] = replace(original, reversed=taken)

    def look(self, handle: str) -> Seen:
        code = self.codes[handle]
        effects = [p.effect for p in self.payments.values() if p.code_id == handle and p.counts]
        remaining = code.remaining.minor if code.remaining is not None else None
        return Seen(
            code.status.value,
            code.paid,
            code.late,
            remaining,
            code.surplus.minor,
            code.missing,
            Counter(effects),
        )

    def check_ledger(self) -> None:
        assert sum(self.accounts.values()) == 0
        assert -self.accounts["bank"] == sum(code.paid for code in self.codes.values())


class PlainMachine(PaymentMachine):
    """The machine over dicts."""

    def desk_of_run(self) -> Desk:
        return PlainDesk()
