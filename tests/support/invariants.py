"""What must hold after every schedule (reliability.md §12), as far as pensions is concerned.

Each function looks at one world and returns complaints that start with the name of the invariant.
``always`` holds at every moment between two invocations, also in the middle of an outage;
``settled`` holds when faults have stopped and nothing is due any more.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from kernel.periods import Period
from pensions.adapters import rows as stored
from pensions.domain import contribution as money
from pensions.domain import employee as people
from pensions.domain import transmission as calls
from pensions.domain.contribution import summarise
from pensions.domain.outcome import AnswerWord, TransmissionKind
from tests.support.aws import RULES
from tests.support.drive import Drive
from tests.support.scanner import SCANNER

Row = dict[str, Any]
_TABLES: Final[Mapping[str, Mapping[Any, Any]]] = {
    "employee": people.TRANSITIONS,
    "contribution": money.TRANSITIONS,
    "transmission": calls.TRANSITIONS,
}
_IN_FLIGHT: Final = ("sending", "unknown")
_AT_INSURER: Final = ("enrolled", "opted_out", "left")
# Changes of a line that are news for other contexts, by the state they lead to.
_NEWS: Final = {
    "employee": ("enrolled", "rejected", "held", "unknown", "opted_out", "left"),
    "contribution": ("accepted", "rejected", "calculated", "unknown"),
}
_DECIDED: Final = {
    "employee": "pensions.EnrolmentsDecided.v1",
    "contribution": "pensions.ContributionsDecided.v1",
}
_GENESIS: Final = "0" * 64


class World:
    """The rows of a drive, read once and sorted into what the invariants speak about."""

    def __init__(self, drive: Drive) -> None:
        self.drive = drive
        self.core = drive.rows("core")
        self.ledger = drive.rows("ledger")
        self.flow = drive.rows("flow")
        self.audit = drive.rows("audit")
        self.entities: dict[str, dict[str, Row]] = defaultdict(dict)
        self.history: dict[str, list[Row]] = defaultdict(list)
        self.jobs: list[Row] = []
        self.counts: list[Row] = []
        for row in self.core:
            parts = row["pk"].split("#")
            if parts[1] != "T":
                continue
            if parts[3] == "HIST":
                self.history["#".join(parts[:3]) + "#" + parts[4]].append(row)
            elif parts[3] == "JOB":
                self.jobs.append(row)
            elif row["sk"] == "COUNTS":
                self.counts.append(row)
            elif row["sk"] == "META":
                self.entities[row["kind"]][row["pk"]] = row

    def of(self, kind: str) -> Iterator[Row]:
        """Entities of one kind."""
        return iter(self.entities[kind].values())

    def header(self, line: Row) -> Row | None:
        """Transmission a line is or was bound to."""
        tenant = line["pk"].split("#")[2]
        key = f"pen#T#{tenant}#TRANSMISSION#{line['transmission_id']}"
        return self.entities["transmission"].get(key)


def always(drive: Drive) -> list[str]:
    """Complaints about what must hold at every moment."""
    world = World(drive)
    checks = (_i1, _i4, _i5, _i7, _i13, _i15, _i16, _i17, _i22, _counters)
    return [complaint for check in checks for complaint in check(world)]


def settled(drive: Drive) -> list[str]:
    """Complaints about the end: ``always`` and that everything has arrived."""
    world = World(drive)
    checks = (_i5_settled, _i14, _i15_settled, _jobs_settled)
    found = [complaint for check in checks for complaint in check(world)]
    return always(drive) + everybody_told(drive) + found


# ---------------------------------------------------------------------------- money


def _i1(world: World) -> Iterator[str]:
    """Entries balance; a balance row is the sum of its entries."""
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    legs: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    balances: dict[str, dict[str, int]] = {}
    for row in world.ledger:
        if row["sk"] == "BAL":
            balances[row["pk"]] = {k: v for k, v in row.items() if k[:2] in ("D_", "C_")}
            continue
        _, key, leg = row["sk"].split("#")
        legs[row["pk"], key][leg] = row["amount"]
        sums[row["pk"]][f"{leg}_{row['name']}"] += row["amount"]
    for (pk, key), amounts in legs.items():
        if set(amounts) != {"D", "C"} or amounts["D"] != amounts["C"] or amounts["D"] <= 0:
            yield f"I-1: entry {key} of {pk} has the legs {amounts}"
    for pk in sums.keys() | balances.keys():
        if dict(sums[pk]) != balances.get(pk, {}):
            yield f"I-1: balance of {pk} is {balances.get(pk)}, its entries {dict(sums[pk])}"


def _accepted(world: World) -> list[Any]:
    effects = world.drive.insurers.effects
    return [each for each in effects if each.word is AnswerWord.ACCEPTED and each.channel == "WS"]


def _i4(world: World) -> Iterator[str]:
    """At most one effect per person, or per contribution; the sent amount is the approved one."""
    enrolled: Counter[Any] = Counter()
    collected: Counter[Any] = Counter()
    for effect in _accepted(world):
        if effect.kind is TransmissionKind.ENROLMENT:
            enrolled[effect.provider, effect.contract_no, effect.national_id] += 1
        else:
            place = (effect.provider, effect.contract_no, effect.national_id, effect.period)
            collected[*place, effect.line_key] += 1
    for key, number in (enrolled + collected).items():
        if number > 1:
            yield f"I-4: the insurer accepted {number} times {key[:2]} {key[3:]}"
    amounts = {row["id"]: row["amount"] for row in world.of("contribution")}
    for effect in _accepted(world):
        if effect.kind is TransmissionKind.COLLECTION and effect.amount is not None:
            approved = amounts.get(effect.line_key)
            if approved != effect.amount.minor:
                yield f"I-4: {effect.line_key} was sent {effect.amount.minor}, not {approved}"
    places = Counter(
        (row["pk"].split("#")[2], *(row[name] for name in _PLACE))
        for row in world.of("contribution")
        if row["state"] in ("accepted", "settled")
    )
    for place, number in places.items():
        if number > 1:
            yield f"I-4: {number} accepted contributions in one place {place}"


_PLACE: Final = ("contract_id", "period", "employee_id", "sequence")


def _i5(world: World) -> Iterator[str]:
    """What we call accepted is at the insurer and, for money, in the ledger once."""
    taken = _accepted(world)
    policies = {
        (provider, member.policy_no): member.national_id
        for provider, members in world.drive.insurers.members.items()
        for member in members
    }
    contracts = {row["id"]: row for row in world.of("contract")}
    for row in world.of("employee"):
        if row["state"] == "enrolled":
            provider = contracts[row["contract_id"]]["provider_code"]
            if policies.get((provider, row["policy_no"])) != row["national_id"]:
                yield f"I-5: {row['id']} has the policy of somebody else"
    people_there = {e.line_key for e in taken if e.kind is TransmissionKind.ENROLMENT}
    money_there = {e.line_key for e in taken if e.kind is TransmissionKind.COLLECTION}
    for row in world.of("employee"):
        external = row["reason"] == "exists_at_insurer" or not row["transmission_id"]
        if row["state"] in _AT_INSURER and row["id"] not in people_there and not external:
            yield f"I-5: {row['id']} is {row['state']}, the insurer does not know them"
    booked = {
        row["sk"].split("#")[1]: row["amount"]
        for row in world.ledger
        if row["sk"] != "BAL" and row["leg"] == "D"
    }
    for row in world.of("contribution"):
        accepted = row["state"] in ("accepted", "settled")
        if accepted and row["id"] not in money_there:
            yield f"I-5: {row['id']} is {row['state']}, the insurer does not know it"
        if accepted != (row["id"] in booked):
            yield f"I-5: {row['id']} is {row['state']} and booked: {row['id'] in booked}"
        if accepted and booked.get(row["id"]) != row["amount"]:
            yield f"I-5: {row['id']} is booked with {booked.get(row['id'])}, not {row['amount']}"


def _i5_settled(world: World) -> Iterator[str]:
    """What the insurer accepted is accepted here, unless a person was asked to look."""
    states = {
        kind: {row["id"]: row for row in world.of(kind)} for kind in ("employee", "contribution")
    }
    for effect in _accepted(world):
        kind = "employee" if effect.kind is TransmissionKind.ENROLMENT else "contribution"
        row = states[kind].get(effect.line_key)
        known = _AT_INSURER if kind == "employee" else ("accepted", "settled")
        if row is None:
            yield f"I-5: the insurer has {effect.line_key}, we do not"
        elif row["state"] not in known and not _person_owned(world, row):
            yield f"I-5: the insurer accepted {row['id']}, we say {row['state']}"


def _person_owned(world: World, line: Row) -> bool:
    header = world.header(line)
    return line["state"] == "unknown" and header is not None and header["state"] == "with_person"


def _i7(world: World) -> Iterator[str]:
    """Payable is the sum of what was accepted, and not final while anything is moving."""
    months: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in world.of("contribution"):
        months[row["contract_id"], row["period"]].append(row)
    for (contract_id, period), rows in months.items():
        summary = summarise([stored.contribution_from(row) for row in rows])
        accepted = sum(r["amount"] for r in rows if r["state"] in ("accepted", "settled"))
        moving = any(row["state"] in _IN_FLIGHT for row in rows)
        if summary.payable.minor != accepted or (moving and summary.final):
            yield f"I-7: {contract_id} {Period.parse(period)}: {summary.payable}, {summary.final}"


# ---------------------------------------------------------------------------- states


def _i13(world: World) -> Iterator[str]:
    """Only listed transitions; everything in flight is due, leased or owned by a person."""
    for subject, rows in world.history.items():
        kind = subject.split("#")[3].partition(":")[0]
        before = ""
        for number, row in enumerate(rows, 1):
            if int(row["sk"]) != number or row["from"] != before:
                yield f"I-13: history of {subject} breaks at {row['sk']}"
            table = _TABLES.get(kind)
            if table is not None and number > 1 and row["to"] != before:
                allowed = {str(state): targets for state, targets in table.items()}[before]
                if row["to"] not in allowed:
                    yield f"I-13: {subject} went from {before} to {row['to']}"
            before = row["to"]
    for kind in ("employee", "contribution"):
        for row in world.of(kind):
            if row["state"] not in _IN_FLIGHT:
                continue
            header = world.header(row)
            if header is None or header["state"] == "done":
                yield f"I-13: {row['id']} is {row['state']} and nobody's"
    for row in world.of("transmission"):
        waits = "due_pk" in row
        if row["state"] == "done" and waits:
            yield f"I-13: {row['id']} is done and due"
        if row["state"] == "with_person" and not _told(world, row):
            yield f"I-13: {row['id']} belongs to a person whom nobody told"
        if row["state"] not in ("done", "with_person") and not waits:
            yield f"I-13: {row['id']} is {row['state']} and not due"
        if row["state"] == "sending" and row["lease"] is None:
            yield f"I-13: {row['id']} is sending without a lease"


def _told(world: World, header: Row) -> bool:
    return any(
        row["detail_type"] == "pensions.IncidentOpened.v1"
        and json.loads(row["body"])["subject"] == f"transmission:{header['id']}"
        for row in world.flow
        if row.get("kind") == "event"
    )


def _i14(world: World) -> Iterator[str]:
    """Nothing is in flight any more, except what a person owns."""
    for row in world.of("transmission"):
        if row["state"] not in ("done", "with_person"):
            yield f"I-14: {row['id']} is still {row['state']}"
    for kind in ("employee", "contribution"):
        for row in world.of(kind):
            if row["state"] in _IN_FLIGHT and not _person_owned(world, row):
                yield f"I-14: {row['id']} is still {row['state']}"


# ---------------------------------------------------------------------------- out and in


def _outbox(world: World) -> list[Row]:
    return [row for row in world.flow if "#OUT#" in row["pk"]]


def _i15(world: World) -> Iterator[str]:
    """No news without its change of state, no change without its news; nothing comes from
    nowhere.
    """
    written: dict[str, Row] = {row["id"]: row for row in _outbox(world)}
    events = [json.loads(row["body"]) for row in written.values() if row["kind"] == "event"]
    told, happened = _told_lines(events), _happened(world)
    if told != happened:
        yield f"I-15: told {dict(told - happened)} without change, {dict(happened - told)} untold"
    for event in world.drive.events:
        if event["id"] not in written:
            yield f"I-15: the event {event['type']} was never written"


def _told_lines(events: Iterable[Mapping[str, Any]]) -> Counter[tuple[str, str, str]]:
    told: Counter[tuple[str, str, str]] = Counter()
    for event in events:
        for kind, event_type in _DECIDED.items():
            if event["type"] == event_type:
                for line in event["data"]["lines"]:
                    told[kind, line[f"{kind}_id"], line["status"]] += 1
    return told


def _happened(world: World) -> Counter[tuple[str, str, str]]:
    happened: Counter[tuple[str, str, str]] = Counter()
    for subject, rows in world.history.items():
        kind, _, identity = subject.split("#")[3].partition(":")
        for row in rows:
            # Named after the state it leads to, and not made by a user: decided by an insurer.
            decided = row["action"] == f"{kind}.{row['to']}" and row["from"]
            if decided and row["to"] in _NEWS.get(kind, ()):
                happened[kind, identity, row["to"]] += 1
    return happened


def everybody_told(drive: Drive) -> list[str]:
    """Every decision has reached the bus, once by event id (I-15 seen from outside)."""
    world = World(drive)
    untold = _happened(world) - _told_lines({e["id"]: e for e in drive.events}.values())
    return [f"I-15: nobody was told {dict(untold)}"] if untold else []


def effects(drive: Drive) -> list[str]:
    """Effects at the insurer alone (I-4)."""
    return list(_i4(World(drive)))


def _i15_settled(world: World) -> Iterator[str]:
    """Everything written has left."""
    arrived = {event["id"] for event in world.drive.events}
    bodies = Counter(_canonical(json.dumps(work.body)) for work in world.drive.received)
    for row in _outbox(world):
        if "dispatched_at" not in row or "due_pk" in row:
            yield f"I-15: {row['pk']} never left"
        elif row["kind"] == "event" and row["id"] not in arrived:
            yield f"I-15: the event {row['id']} never arrived"
        elif row["kind"] == "message" and not bodies[_canonical(row["body"])]:
            yield f"I-15: the message {row['id']} never arrived"


def _canonical(text: str) -> str:
    return json.dumps(json.loads(text), sort_keys=True)


def _i16(world: World) -> Iterator[str]:
    """No key of another tenant or context was ever named (watched at every request)."""
    yield from (f"I-16: {violation}" for violation in RULES.violations)
    RULES.violations.clear()
    for work in world.drive.received:
        if work.body.get("tenant_id") not in world.drive.tenants:
            yield f"I-16: a message of {work.body.get('tenant_id')}"


def _i17(world: World) -> Iterator[str]:
    """No identity number, account or secret outside the entities themselves."""
    outside = [*world.flow, *world.ledger, *world.audit]
    for rows in world.history.values():
        outside += rows
    texts = [json.dumps(row, ensure_ascii=False, default=str) for row in outside]
    texts += [json.dumps(event, ensure_ascii=False) for event in world.drive.events]
    texts += [json.dumps(dict(work.body)) for work in world.drive.received]
    texts.append(world.drive.logs.getvalue())
    text = "\n".join(texts)
    yield from (f"I-17: {found}" for found in SCANNER.identities(text))
    yield from (f"I-17: {found}" for found in SCANNER.secrets_in(text))


def _i22(world: World) -> Iterator[str]:
    """The audit chain verifies; one audit row per change of state."""
    chains: dict[str, list[Row]] = defaultdict(list)
    for row in world.audit:
        chains[row["pk"]].append(row)
    for rows in world.entities.values():
        for pk, entity in rows.items():
            tenant = pk.split("#")[2]
            subject = f"{entity['kind']}:{entity['id']}"
            chain = chains.pop(f"pen#T#{tenant}#ENT#{subject}", [])
            history = world.history[f"pen#T#{tenant}#{subject}"]
            if not len(chain) == len(history) == entity["version"]:
                yield f"I-22: {subject}: {len(chain)} audit, {len(history)} history rows"
            previous = _GENESIS
            for number, row in enumerate(chain, 1):
                if (
                    row["seq"] != number
                    or row["prev_hash"] != previous
                    or row["hash"] != _hash(row)
                ):
                    yield f"I-22: the chain of {subject} breaks at {number}"
                previous = row["hash"]
            if previous != entity["audit_hash"]:
                yield f"I-22: the head of {subject} is not the end of its chain"
    yield from (f"I-22: {pk} has an audit chain and no entity" for pk in chains)


def _hash(row: Row) -> str:
    content = {key: row[key] for key in sorted(row) if key not in {"hash", "pk", "sk", "w"}}
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


# ---------------------------------------------------------------------------- counters


def _counters(world: World) -> Iterator[str]:
    """Counters beside the rows say what the rows say."""
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for row in world.of("employee"):
        tenant = row["pk"].split("#")[2]
        counted[f"pen#T#{tenant}#CONTRACT#{row['contract_id']}"][row["state"]] += 1
    for row in world.counts:
        kept = {name[2:]: value for name, value in row.items() if name[:2] == "n_" and value}
        if kept != dict(counted[row["pk"]]):
            yield f"counters: {row['pk']} says {kept}, there are {dict(counted[row['pk']])}"
    for job in world.jobs:
        endings = sum(value for name, value in job.items() if name[:2] == "n_")
        if job["kind"].endswith("_submission") and endings != job["done"]:
            yield f"counters: job {job['id']} did {job['done']}, ended {endings}"
        if job["done"] > job["total"]:
            yield f"counters: job {job['id']} did {job['done']} of {job['total']}"


def _jobs_settled(world: World) -> Iterator[str]:
    """Every job has ended, and did all it had to do."""
    for job in world.jobs:
        if job["status"] in ("queued", "running"):
            yield f"I-14: job {job['kind']} {job['id']} is still {job['status']}"
        elif job["kind"].endswith("_submission") and job["done"] != job["total"]:
            yield f"I-14: job {job['id']} ended with {job['done']} of {job['total']}"
