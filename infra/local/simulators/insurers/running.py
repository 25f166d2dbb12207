"""Starting the simulated insurers and talking to them from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from infra.local.simulators.insurers.behaviour import COMMANDS, KINDS
from infra.local.simulators.insurers.book import Book
from infra.local.simulators.insurers.facts import INSURERS
from infra.local.simulators.insurers.insurer import Insurer
from infra.local.simulators.insurers.server import Server
from infra.local.simulators.insurers.service import Service

_SHOWN: Final = 200
_MOVES: Final = {
    "opt_out": "opted_out",
    "leave": "left",
    "suspend": "suspended",
    "resume": "active",
}


class RunningInsurer:
    """One simulated insurer that listens; the book outlives it."""

    def __init__(
        self, service: Service, server: Server, book: Book, closed: Callable[[str], None]
    ) -> None:
        self._service = service
        self._server = server
        self._book = book
        self._closed = closed
        self._insurer = service.insurer

    @property
    def name(self) -> str:
        """Provider code."""
        return self._insurer.facts.code

    @property
    def url(self) -> str:
        """The address functions call."""
        return self._server.url(self.name)

    def effects(self) -> list[dict[str, Any]]:
        """Every line it took or refused, in clear; for tests."""
        return self._insurer.effects()

    def calls(self) -> dict[str, int]:
        """How often each operation was called."""
        return {
            name.removeprefix("call:"): number
            for name, number in self._book.counters(self.name).items()
            if name.startswith("call:")
        }

    def describe(self) -> Mapping[str, Any]:
        """What it would do next and what it accepted so far; identity numbers are masked."""
        effects = self.effects()
        accepted = [row for row in effects if row["word"] == "accepted"]
        collected = [row for row in accepted if row["kind"] == "collection"]
        total = sum(row["amount"] for row in collected)
        facts = self._insurer.facts
        return {
            "name": self.name,
            "dialect": facts.dialect,
            "url": self.url,
            "deduplicates": facts.deduplicates,
            "down": self._service.down(),
            "calls": self.calls(),
            "most_calls_at_once": self._service.busiest,
            "accepted": {
                "enrolments": len(accepted) - len(collected),
                "collections": len(collected),
                "collected": f"{total // 100}.{total % 100:02d}",
            },
            "rejected": len(effects) - len(accepted),
            "doubled": _doubled(accepted),
            "queued": self._service.behaviours.waiting(),
            "last": [_shown(row) for row in effects[-_SHOWN:]],
            "kinds": dict(KINDS),
            "commands": dict(COMMANDS),
        }

    def script(self, behaviour: Mapping[str, Any]) -> Mapping[str, Any]:
        """Change what it does next; see ``behaviour.COMMANDS``.

        Raises: ValueError for anything it does not know; then nothing is changed by that member.
        """
        rest = dict(behaviour)
        if "kind" in rest:
            self._service.behaviours.add(rest)
            return {"queued": self._service.behaviours.waiting()}
        unknown = set(rest) - set(COMMANDS)
        if unknown or not rest:
            raise ValueError(
                f"no such command: {', '.join(sorted(unknown)) or 'nothing was said'};"
                f" there are {', '.join(COMMANDS)}"
            )
        done: dict[str, Any] = {}
        try:
            for name, value in rest.items():
                done[name] = self._command(name, value)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{name} is not understood: {error}") from None
        self._server.refresh()
        return done

    def follow_clock(self) -> None:
        """Begin or end an outage that the clock has reached."""
        self._server.refresh()

    def stop(self) -> None:
        """Stop listening."""
        self._server.stop(self.name)
        self._closed(self.name)

    def _command(self, name: str, value: Any) -> Any:
        insurer, service = self._insurer, self._service
        if name == "next":
            for each in value:
                service.behaviours.add(each)
            return service.behaviours.waiting()
        if name == "clear":
            service.behaviours.clear()
        elif name == "down":
            service.go_down(dict(value))
        elif name == "up":
            insurer.set(down=None)
        elif name == "policy_delay_seconds":
            insurer.set(policy_delay_seconds=int(value))
        elif name in _MOVES:
            return {"people": insurer.move(value["national_id"], _MOVES[name], value["on"])}
        elif name in ("reject", "accept"):
            rejects = dict(insurer.setting("rejects", {}))
            rejects.pop(value["national_id"], None)
            if name == "reject":
                rejects[value["national_id"]] = value.get("reason", "person")
            insurer.set(rejects=rejects)
        elif name == "account":
            insurer.register(value["username"], value["password"])
        elif name == "unlock":
            insurer.unlock(value)
        elif name == "contract":
            contracts = dict(insurer.setting("contracts", {}))
            contracts.pop(value["no"], None)
            if value["state"] in ("unknown", "closed"):
                contracts[value["no"]] = value["state"]
            insurer.set(contracts=contracts)
        elif name == "period":
            periods = set(insurer.setting("closed_periods", ())) - {value["period"]}
            if value["state"] == "closed":
                periods.add(value["period"])
            insurer.set(closed_periods=sorted(periods))
        elif name == "typed_in":
            return {"policy_no": insurer.type_in(value["contract_no"], value)}
        return True


def start_insurers(
    state_dir: Path, now: Callable[[], datetime], codes: tuple[str, ...] = tuple(INSURERS)
) -> list[RunningInsurer]:
    """Start the named insurers, each on a loopback port of its own, all on one book."""
    book = Book(state_dir / "insurers.sqlite3")
    services = {code: Service(Insurer(INSURERS[code], book, now), book, now) for code in codes}
    server = Server(services)
    alive = set(codes)

    def closed(code: str) -> None:
        alive.discard(code)
        if not alive:
            book.close()

    return [RunningInsurer(service, server, book, closed) for service in services.values()]


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("seq", "contract_no", "kind", "reference", "line_key", "period", "paid_on", "amount",
            "policy_no", "word", "reason", "channel")  # fmt: skip
    masked = f"{row['national_id'][:3]}******{row['national_id'][-2:]}"
    return {**{name: row[name] for name in kept}, "national_id": masked}


def _doubled(accepted: list[dict[str, Any]]) -> int:
    """How many accepted lines repeat another: the same person, or the same payment."""
    keys = [
        (row["contract_no"], row["kind"], row["national_id"], row["period"], row["paid_on"])
        if row["kind"] == "collection"
        else (row["contract_no"], row["kind"], row["national_id"], "", "")
        for row in accepted
    ]
    return len(keys) - len(set(keys))
