"""Machine 3 of reliability.md §13: codes, payments, lists and notifications in any order.

The machine knows what must hold from plain numbers alone (I-1, I-3, R1-R5, R13); what it drives is
a desk: the rules of the domain over dicts, or the real handlers over moto with faults. A row of the
network without an id is known only by how often its like is in a list, so the model counts rows and
never names them.
"""

from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

Base = tuple[str, int]
"""What a row is known by: its id, or nothing but its amount."""

AMOUNTS: Final = (1_000, 1_800, 25_000, 75_000, 125_000)
"""Few, so that equal payments of one day are frequent; 10.00 and 18.00 have the same digit."""
CUTS: Final = ("", "truncated", "silently_truncated", "other_order")
NOTES: Final = ("good", "repeated", "forged", "old")


@dataclass
class Row:
    """A payment at the network. Shapes: ``of`` is the row it takes back."""

    ref: str
    identity: str
    minor: int
    of: "Row | None" = None
    times: int = 1
    taken_back: int = 0
    late: bool = False
    booked: bool = False

    @property
    def base(self) -> Base:
        """What it is known by."""
        return (self.identity, self.minor if not self.identity else 0)


@dataclass
class Code:
    """What the model knows of a code. ``told`` counts the rows that some list held, by base."""

    handle: str
    rf: str
    amount: int | None
    document: str
    cancelled: bool = False
    rows: list[Row] = field(default_factory=list)
    told: Counter[Base] = field(default_factory=Counter)
    paid: int = 0
    late: int = 0
    missing: int = 0

    @property
    def status(self) -> str:
        """The state that follows from the numbers."""
        counted = self.paid - self.late
        if self.cancelled:
            return "cancelled"
        if self.amount is not None and counted > self.amount:
            return "overpaid"
        if self.amount is not None and counted == self.amount:
            return "paid"
        return "partially_paid" if counted > 0 else "issued"


@dataclass(frozen=True)
class Seen:
    """What a desk shows of a code, in minor units; ``booked`` are signed amounts in its books."""

    status: str
    paid: int
    late: int
    remaining: int | None
    surplus: int
    missing: int
    booked: Counter[int]


class Desk(ABC):
    """Something that keeps codes and their payments."""

    @abstractmethod
    def issue(self, document: str, amount: int | None) -> tuple[str, str] | None:
        """Handle and code of a document with an amount; None when it is refused."""

    @abstractmethod
    def pay(self, rf: str, minor: int, *, with_id: bool) -> tuple[str, str]:
        """Reference and id of a payment at the network."""

    @abstractmethod
    def reverse(self, ref: str, minor: int) -> tuple[str, str]:
        """Reference and id of a reversal."""

    @abstractmethod
    def repeat(self, ref: str) -> None:
        """The list holds a payment twice from now on."""

    @abstractmethod
    def pull(self, handle: str, cut: dict[str, Any] | None, fault: tuple[str, int] | None) -> None:
        """Read the list of a code until that is acknowledged, under a cut of it or a fault."""

    @abstractmethod
    def notify(self, rf: str, kind: str) -> None:
        """A notification, good or not; the desk checks how it is answered."""

    @abstractmethod
    def cancel(self, handle: str) -> bool:
        """Whether the code could be cancelled."""

    @abstractmethod
    def look(self, handle: str) -> Seen:
        """What is known of a code."""

    @abstractmethod
    def check_ledger(self) -> None:
        """I-1, over everything."""


class PaymentMachine(RuleBasedStateMachine):
    """One company, a few documents, and whatever a network can do to them."""

    faults = False

    def desk_of_run(self) -> Desk:
        """The desk of one run."""
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self.desk = self.desk_of_run()
        self.codes: list[Code] = []

    # ------------------------------------------------------------------ documents

    @initialize(amount=st.sampled_from((None, *AMOUNTS)))
    def begin(self, amount: int | None) -> None:
        """Every run begins with a document."""
        self._issue(f"D-{len(self.codes)}", amount)

    def _issue(self, document: str, amount: int | None) -> bool:
        made = self.desk.issue(document, amount)
        if made is not None:
            self.codes.append(Code(*made, amount, document))
            self._check(self.codes[-1])
        return made is not None

    @precondition(lambda self: len(self.codes) < 4)
    @rule(amount=st.sampled_from((None, *AMOUNTS)))
    def another_document(self, amount: int | None) -> None:
        """One more document."""
        self._issue(f"D-{len(self.codes)}", amount)

    @rule(data=st.data(), amount=st.sampled_from(AMOUNTS))
    def correct_the_amount(self, data: st.DataObject, amount: int) -> None:
        """A corrected document has another code, unless money came under the one it has (R10)."""
        old = self._one(data)
        newest = [code for code in self.codes if code.document == old.document][-1]
        assume(newest is old and old.amount != amount)
        done = self._issue(old.document, amount)
        assert done == (old.cancelled or old.paid == 0)
        old.cancelled |= done
        self._check(old)

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """A code with money is not cancelled."""
        code = self._one(data)
        done = self.desk.cancel(code.handle)
        assert done == (not code.cancelled and code.paid == 0)
        code.cancelled |= done
        self._check(code)

    # ------------------------------------------------------------------ the network

    @rule(data=st.data(), minor=st.sampled_from(AMOUNTS), with_id=st.booleans())
    def pay(self, data: st.DataObject, minor: int, *, with_id: bool) -> None:
        """Somebody pays: too little, too much, the same again, after the end."""
        code = self._one(data)
        ref, identity = self.desk.pay(code.rf, minor, with_id=with_id)
        code.rows.append(Row(ref, identity, minor))
        self._check(code)

    @rule(data=st.data(), share=st.integers(1, 100))
    def reverse(self, data: st.DataObject, share: int) -> None:
        """The bank takes a payment back, all of it or a part."""
        code = self._one(data)
        open_rows = [
            row
            for row in code.rows
            if row.identity and row.of is None and row.taken_back < row.minor
        ]
        assume(open_rows)
        row = data.draw(st.sampled_from(open_rows))
        minor = max(1, (row.minor - row.taken_back) * share // 100)
        row.taken_back += minor
        ref, identity = self.desk.reverse(row.ref, minor)
        code.rows.append(Row(ref, identity, minor, of=row))
        self._check(code)

    @rule(data=st.data())
    def list_one_twice(self, data: st.DataObject) -> None:
        """The same id twice is one payment."""
        code = self._one(data)
        rows = [row for row in code.rows if row.identity and row.times == 1]
        assume(rows)
        row = data.draw(st.sampled_from(rows))
        self.desk.repeat(row.ref)
        row.times = 2

    @rule(data=st.data(), kind=st.sampled_from(NOTES))
    def notify(self, data: st.DataObject, kind: str) -> None:
        """A notification books nothing, whatever it says and however often (R2, M14)."""
        code = self._one(data)
        self.desk.notify(code.rf, kind)
        self._check(code)

    # ------------------------------------------------------------------ reading lists

    @rule(
        data=st.data(),
        cut=st.sampled_from(CUTS),
        rows=st.integers(1, 3),
        first=st.booleans(),
    )
    def pull(self, data: st.DataObject, cut: str, rows: int, *, first: bool) -> None:
        """Read a list: whole, cut aloud, cut in silence, or in another order (R3, R5)."""
        code = self._one(data)
        wish = {"kind": cut, "rows": rows, **({"end": "first"} if first else {})} if cut else None
        self.desk.pull(code.handle, wish, None)
        listed = [row for row in code.rows for _ in range(row.times)]
        if cut.endswith("truncated"):
            listed = listed[rows:] if first else listed[:-rows]
        self._tell(code, listed)
        self._check(code)

    @precondition(lambda self: self.faults)
    @rule(
        data=st.data(),
        mode=st.sampled_from(("KB", "KA", "LR", "E5", "TH", "RC", "RK")),
        n=st.integers(1, 24),
    )
    def pull_under_a_fault(self, data: st.DataObject, mode: str, n: int) -> None:
        """Read a list while something breaks, and again afterwards."""
        code = self._one(data)
        self.desk.pull(code.handle, None, (mode, n))
        self._tell(code, [row for row in code.rows for _ in range(row.times)])
        self._check(code)

    def _tell(self, code: Code, listed: list[Row]) -> None:
        """What one reading of a list means, in plain numbers."""
        counts: Counter[Base] = Counter()
        for row in sorted(listed, key=lambda row: row.of is not None):
            counts[row.base] += 1
            known = code.told[row.base]
            fresh = known == 0 if row.identity else counts[row.base] > known
            if fresh:
                code.told[row.base] = known + 1
            if row.of is None and fresh:
                row.booked, row.late = True, code.cancelled
                code.paid += row.minor
                code.late += row.minor if row.late else 0
            elif row.of is not None and not row.booked and row.of.booked:
                row.booked = True
                code.paid -= row.minor
                code.late -= row.minor if row.of.late else 0
        booked: Counter[Base] = Counter(code.told)
        for row in code.rows:
            if row.of is not None and not row.booked:
                booked[row.base] = 0
        code.missing = sum(
            max(0, count - min(counts[base], 1 if base[0] else counts[base]))
            for base, count in booked.items()
        )

    # ------------------------------------------------------------------ what must hold

    def _one(self, data: st.DataObject) -> Code:
        return data.draw(st.sampled_from(self.codes))

    def _check(self, code: Code) -> None:
        """I-3: the books are what the lists told, no more and no less, and never shrink."""
        seen = self.desk.look(code.handle)
        assert (seen.paid, seen.late) == (code.paid, code.late)
        assert seen.status == code.status
        assert seen.missing == code.missing
        expected = Counter(row.minor for row in code.rows if row.booked and row.identity)
        for (identity, minor), count in code.told.items():
            if not identity:
                expected[minor] += count
        for row in code.rows:
            if row.of is not None and row.booked:
                expected[row.minor] -= 1
                expected[-row.minor] += 1
        assert +seen.booked == +expected
        assert sum(minor * count for minor, count in seen.booked.items()) == seen.paid
        if code.amount is None:
            assert seen.remaining is None
        else:
            assert seen.remaining is not None
            counted = max(0, seen.paid - seen.late)
            assert counted + seen.remaining - seen.surplus == code.amount

    def teardown(self) -> None:
        """A last whole list of every code: then the books are what the network has."""
        for code in self.codes:
            self.desk.pull(code.handle, None, None)
            self._tell(code, [row for row in code.rows for _ in range(row.times)])
            self._check(code)
            source = sum(-row.minor if row.of is not None else row.minor for row in code.rows)
            assert code.paid == source
        self.desk.check_ledger()
