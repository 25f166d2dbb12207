"""A provider behind the port with its simulator or its fake, told apart by nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

from infra.local.simulators.insurers.running import RunningInsurer, start_insurers
from kernel.clock import FixedClock
from kernel.exchange import Direction
from kernel.money import Money
from kernel.periods import Period
from kernel.rates import Rate
from kernel.sensitive import Email, Iban, Phone, Secret, Tckn
from pensions.adapters.insurers.registry import InsurerRegistry
from pensions.domain.provider import Provider
from pensions.domain.provider_catalogue import PROVIDERS
from pensions.ports import CollectionLine, Connection, EnrolmentLine, InsurerGateway
from tests.support.fakes.insurers import FakeInsurers
from toolkit.http.client import HttpClient

START: Final = datetime(2026, 5, 4, 9, tzinfo=UTC)
RATE: Final = Rate(Decimal("3.00"))
USUAL: Final = "sifre-1905"
CONTRACT_NO: Final = "KM013870"


class Evidence:
    """An audit sink that remembers; ``fail`` makes it refuse."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, Direction, bytes]] = []
        self.fail: frozenset[Direction] = frozenset()

    def record(self, reference: str, direction: Direction, raw: bytes) -> None:
        """Keep or refuse one half of an exchange."""
        if direction in self.fail:
            raise RuntimeError("the store is down")
        self.kept.append((reference, direction, raw))


@dataclass
class World:
    """One insurer and the way to it."""

    provider: Provider
    gateway: InsurerGateway
    clock: FixedClock
    script: Callable[[Mapping[str, Any]], Any]
    effects: Callable[[], list[tuple[str, str, str]]]
    """Lines the insurer took: kind, reference, identity number."""
    calls: Callable[[str], int]
    evidence: Evidence
    close: Callable[[], None]

    def connection(self, password: str = USUAL, username: str = "ws-ornek") -> Connection:
        """A connection of the only contract there is."""
        return Connection(self.provider.code, CONTRACT_NO, "001", username, Secret(password))

    @property
    def some(self) -> int:
        """A few lines, as many as one call may carry."""
        return min(3, self.provider.batch_size)


def fake_world(code: str) -> World:
    """The insurer in memory."""
    clock = FixedClock(START)
    insurers = FakeInsurers(clock.now)
    return World(
        provider=PROVIDERS[code],
        gateway=insurers,
        clock=clock,
        script=lambda behaviour: insurers.script(code, behaviour),
        effects=lambda: [
            (each.kind.value, each.reference, each.national_id) for each in insurers.accepted(code)
        ],
        calls=lambda operation: insurers.calls[code, operation],
        evidence=Evidence(),
        close=lambda: None,
    )


def real_world(code: str, folder: Path) -> World:
    """The real adapter talking to the simulator on loopback."""
    clock = FixedClock(START)
    (running,) = start_insurers(folder, clock.now, (code,))
    evidence = Evidence()
    return World(
        provider=PROVIDERS[code],
        gateway=InsurerRegistry({code: running.url}, evidence, http=shared_http),
        clock=clock,
        script=running.script,
        effects=lambda: _effects(running),
        calls=lambda operation: running.calls().get(operation, 0),
        evidence=evidence,
        close=running.stop,
    )


@cache
def shared_http() -> HttpClient:
    """One client for all tests, as one process has: making a trust store takes its time."""
    return HttpClient()


def _effects(running: RunningInsurer) -> list[tuple[str, str, str]]:
    return [
        (row["kind"], row["reference"], row["national_id"])
        for row in running.effects()
        if row["word"] == "accepted"
    ]


def identity_number(number: int) -> str:
    """A synthetic identity number that passes its check digits."""
    digits = [int(char) for char in f"{100_000_000 + number:09d}"]
    tenth = (7 * sum(digits[0::2]) - sum(digits[1::2])) % 10
    eleventh = (sum(digits) + tenth) % 10
    return "".join(map(str, [*digits, tenth, eleventh]))


def person(number: int, **changes: Any) -> EnrolmentLine:
    """A person whose data every insurer takes."""
    fields: dict[str, Any] = {
        "line_key": f"L{number:04d}",
        "national_id": Tckn(identity_number(number)),
        "first_name": "Işıl",
        "last_name": "Öğüt Şen",
        "birth_date": date(1990, 1, 2),
        "gender": "female",
        "mobile": Phone("+905321234567"),
        "email": Email("isil@example.com"),
        "iban": Iban("TR330006100519786457841326"),
        "hired_on": date(2026, 4, 1),
        "fund_preference": "interest_free",
        "contribution_rate": RATE,
    }
    return EnrolmentLine(**{**fields, **changes})


def people(count: int, first: int = 1) -> list[EnrolmentLine]:
    """Several different people."""
    return [person(first + index) for index in range(count)]


def payment(who: EnrolmentLine, policy_no: str, **changes: Any) -> CollectionLine:
    """April's contribution of one person."""
    fields: dict[str, Any] = {
        "line_key": f"P{who.line_key[1:]}",
        "national_id": who.national_id,
        "policy_no": policy_no,
        "period": Period(2026, 4),
        "paid_on": date(2026, 5, 4),
        "amount": Money(104_200, "TRY"),
        "rate": RATE,
    }
    return CollectionLine(**{**fields, **changes})


def enrolled(world: World, count: int | None = None) -> tuple[list[EnrolmentLine], list[str]]:
    """People with policies, one call each, whatever the dialect."""
    from pensions.domain.outcome import Answered, TransmissionKind

    lines = people(world.some if count is None else count)
    policies: list[str] = []
    for line in lines:
        reference = f"SETUP-{line.line_key}"
        world.gateway.enrol(world.connection(), reference, [line], deadline_seconds=20)
        world.clock.advance(timedelta(minutes=2))
        told = world.gateway.query(
            world.connection(), reference, TransmissionKind.ENROLMENT, [line], deadline_seconds=20
        )
        assert isinstance(told, Answered)
        policy_no = told.lines[line.line_key].policy_no
        assert policy_no is not None
        policies.append(policy_no)
    return lines, policies


def payments(lines: Sequence[EnrolmentLine], policies: Sequence[str]) -> list[CollectionLine]:
    """April's contributions of these people."""
    return [payment(line, policy) for line, policy in zip(lines, policies, strict=True)]
