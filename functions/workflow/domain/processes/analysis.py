"""Whether a definition is fit to run: nothing unreachable, no dead end, every input produced.

A fact counts as known at a step only if it is known on *every* way that leads there; that is
computed as a fixed point over the steps, so loops are no problem.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from kernel.errors import ParseError, Problem
from workflow.domain.processes.definition import (
    END,
    STARTED,
    Check,
    Definition,
    Field,
    From,
    Guard,
    Source,
    Step,
)
from workflow.domain.rules.facts import Fact, FactType
from workflow.domain.rules.table import Table

_COMPARED: Final = frozenset(
    {FactType.MONEY, FactType.DECIMAL, FactType.INT, FactType.DATE, FactType.DATETIME}
)
_ORDER: Final = frozenset({"<", "<=", ">", ">="})


@dataclass(frozen=True, slots=True)
class Flaw(Problem):
    """What speaks against a definition; ``about`` is the name it is about, if there is one."""

    about: str = ""


class Tables(Protocol):
    """Tables of rules by key."""

    def __call__(self, rule: str) -> Table | None:
        """The table in force behind a rule, None for an unknown one."""
        ...


def analyse(definition: Definition, tables: Tables) -> list[Problem]:
    """Everything that speaks against running a definition; an empty list is a pass.

    Shapes: codes are ``unknown_step``, ``unreachable``, ``dead_end``, ``not_produced``,
    ``unknown_rule``, ``rule_facts``, ``rule_output``, ``unknown_unit``, ``twice``, ``types``.
    """
    return [
        *_ways(definition),
        *_knowledge(definition),
        *_names(definition),
        *_rules(definition, tables),
        *_types(definition),
    ]


def _at(definition: Definition, step: Step) -> str:
    return f"/steps/{list(definition.steps).index(step.key)}"


# ---------------------------------------------------------------------------- ways


def _ways(definition: Definition) -> Iterator[Problem]:
    steps = definition.steps
    for step in steps.values():
        at = _at(definition, step)
        for number, branch in enumerate(step.next):
            if branch.to != END and branch.to not in steps:
                text = f"No step {branch.to}."
                yield Flaw(f"{at}/next/{number}/to", "unknown_step", text, branch.to)
            if not branch.when and number < len(step.next) - 1:
                text = "What stands after a way without conditions is never taken."
                yield Problem(f"{at}/next/{number}", "unreachable", text)
        if not step.next or step.next[-1].when:
            text = f"{step.key} has no way out when no condition holds."
            yield Flaw(f"{at}/next", "dead_end", text, step.key)
    reached = _closure({definition.first}, lambda key: _targets(steps.get(key)))
    for key, step in steps.items():
        if key not in reached:
            yield Flaw(_at(definition, step), "unreachable", f"No way leads to {key}.", key)
    sources: dict[str, set[str]] = {}
    for step in steps.values():
        for target in _targets(step):
            sources.setdefault(target, set()).add(step.key)
    ending = _closure({END}, lambda key: sources.get(key, set()))
    for key, step in steps.items():
        if key in reached and key not in ending and step.next:
            text = f"From {key} no way leads to the end."
            yield Flaw(_at(definition, step), "dead_end", text, key)


def _targets(step: Step | None) -> set[str]:
    return {branch.to for branch in step.next} if step is not None else set()


def _closure(start: set[str], following: Callable[[str], set[str]]) -> set[str]:
    found, waiting = set(start), list(start)
    while waiting:
        for key in following(waiting.pop()) - found:
            found.add(key)
            waiting.append(key)
    return found


# ---------------------------------------------------------------------------- knowledge


def known_before(definition: Definition) -> Mapping[str, frozenset[str]]:
    """Facts that are known for certain when a step starts, by step."""
    everything = frozenset(definition.fields)
    known = dict.fromkeys(definition.steps, everything)
    known[definition.first] = frozenset(field.name for field in definition.start)
    changed = True
    while changed:
        changed = False
        for step in definition.steps.values():
            after = known[step.key] | {field.name for field in step.outputs}
            for target in _targets(step) & set(known):
                grown = known[target] & after
                changed = changed or grown != known[target]
                known[target] = grown
    return known


def _knowledge(definition: Definition) -> Iterator[Problem]:
    known = known_before(definition)
    for step in definition.steps.values():
        at, before = _at(definition, step), known[step.key]
        here = before | {field.name for field in step.inputs}
        after = here | {field.name for field in step.outputs}
        yield from _produced(step.needs, before, f"{at}/needs")
        for number, check in enumerate(step.checks):
            yield from _produced(check.facts, here, f"{at}/checks/{number}")
        for number, guard in enumerate(step.guards):
            yield from _produced(guard.needs, here, f"{at}/guards/{number}/facts")
        for number, field in enumerate(step.outputs):
            yield from _produced(_taken(field), here, f"{at}/outputs/{number}/from")
        for number, branch in enumerate(step.next):
            for check in branch.when:
                yield from _produced(check.facts, after, f"{at}/next/{number}/when")
        if step.approval is not None:
            yield from _produced(step.approval.needs, after, f"{at}/approval/facts")
        for number, timer in enumerate(step.timers):
            if timer.base != STARTED:
                yield from _produced([timer.base], before, f"{at}/timers/{number}/base")
    cancel = definition.cancellation
    ever = set(definition.fields) | {field.name for field in cancel.inputs}
    for number, guard in enumerate(cancel.guards):
        yield from _produced(guard.needs, ever, f"/cancellation/guards/{number}/facts")


def _taken(field: Field) -> set[str]:
    if field.source is None:
        return {field.name}
    return {field.source.name} if field.source.kind is From.FACT else set()


def _produced(wanted: Iterable[str], known: Iterable[str], pointer: str) -> Iterator[Problem]:
    for name in sorted(set(wanted) - set(known)):
        text = f"{name} is needed here, and no step before it produces it for certain."
        yield Flaw(pointer, "not_produced", text, name)


# ---------------------------------------------------------------------------- names and rules


def _names(definition: Definition) -> Iterator[Problem]:
    for step in definition.steps.values():
        at = _at(definition, step)
        units = [(f"{at}/unit", step.unit)]
        units += [(f"{at}/timers/{n}/unit", timer.unit) for n, timer in enumerate(step.timers)]
        for pointer, unit in units:
            if unit not in definition.units:
                yield Flaw(pointer, "unknown_unit", f"There is no unit {unit}.", unit)
        yield from _once([field.name for field in step.inputs], f"{at}/inputs")
        yield from _once([field.name for field in step.outputs], f"{at}/outputs")
        yield from _once([timer.key for timer in step.timers], f"{at}/timers")
    yield from _once([field.name for field in definition.start], "/start")
    if END in definition.steps:
        yield Problem("/steps", "twice", "No step is called end.")


def _once(names: list[str], pointer: str) -> Iterator[Problem]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Flaw(pointer, "twice", f"{name} stands twice.", name)


def _guards(definition: Definition) -> Iterator[tuple[str, Guard]]:
    for step in definition.steps.values():
        for number, guard in enumerate(step.guards):
            yield f"{_at(definition, step)}/guards/{number}", guard
    for number, guard in enumerate(definition.cancellation.guards):
        yield f"/cancellation/guards/{number}", guard


def _rules(definition: Definition, tables: Tables) -> Iterator[Problem]:
    for at, guard in _guards(definition):
        table = tables(guard.rule)
        if table is None:
            text = f"There is no rule {guard.rule}."
            yield Flaw(f"{at}/rule", "unknown_rule", text, guard.rule)
            continue
        yield from _rule_facts(table, guard.facts, at)
        for name in sorted(set(guard.require) - set(table.outputs)):
            text = f"The rule has no output {name}."
            yield Flaw(f"{at}/require/{name}", "rule_output", text, name)
    for step in definition.steps.values():
        gate = step.approval
        if gate is None or not gate.rule:
            continue
        at, table = f"{_at(definition, step)}/approval", tables(gate.rule)
        if table is None:
            yield Flaw(f"{at}/rule", "unknown_rule", f"There is no rule {gate.rule}.", gate.rule)
        else:
            yield from _rule_facts(table, gate.facts, at)
    for pointer, source, guards in _rule_sources(definition):
        asked = next((guard for guard in guards if guard.rule == source.name), None)
        table = tables(source.name) if asked is not None else None
        if table is None or source.output not in table.outputs:
            text = f"No guard here gives {source.output} of {source.name}."
            yield Flaw(pointer, "rule_output", text, source.output)


def _rule_facts(table: Table, facts: Mapping[str, Source], at: str) -> Iterator[Problem]:
    for name in sorted(set(table.facts.facts) ^ set(facts)):
        said = "is missing" if name in table.facts.facts else "is none of it"
        text = f"The fact {name} of the rule {said}."
        yield Flaw(f"{at}/facts/{name}", "rule_facts", text, name)


def _rule_sources(definition: Definition) -> Iterator[tuple[str, Source, tuple[Guard, ...]]]:
    for step in definition.steps.values():
        for number, field in enumerate(step.outputs):
            if field.source is not None and field.source.kind is From.RULE:
                pointer = f"{_at(definition, step)}/outputs/{number}/from"
                yield pointer, field.source, step.guards
    cancel = definition.cancellation
    if cancel.effect is not None and cancel.effect.kind is From.RULE:
        yield "/cancellation/effect", cancel.effect, cancel.guards


# ---------------------------------------------------------------------------- types


def _types(definition: Definition) -> Iterator[Problem]:
    for step in definition.steps.values():
        at = _at(definition, step)
        places = {name: field.fact for name, field in definition.fields.items()}
        places |= {field.name: field.fact for field in step.inputs}
        for number, check in enumerate(step.checks):
            yield from _comparable(check, places, f"{at}/checks/{number}")
        for number, branch in enumerate(step.next):
            for check in branch.when:
                yield from _comparable(check, places, f"{at}/next/{number}/when")
        for number, timer in enumerate(step.timers):
            base = places.get(timer.base)
            if timer.base != STARTED and base is not None and base.type is not FactType.DATE:
                text = "A timer is bound to a date."
                yield Problem(f"{at}/timers/{number}/base", "types", text)


def _comparable(check: Check, places: Mapping[str, Fact], pointer: str) -> Iterator[Problem]:
    fact = places.get(check.fact)
    if fact is None:
        return
    than = check.than
    if check.op.value in _ORDER and fact.type not in _COMPARED:
        yield Problem(pointer, "types", f"{check.fact} has no order.")
    elif than.kind is From.FACT:
        other = places.get(than.name)
        if other is not None and other.type is not fact.type:
            yield Problem(pointer, "types", f"{check.fact} and {than.name} are of two types.")
    elif than.kind is From.VALUE and than.value is not None:
        try:
            fact.read(than.value)
        except ParseError:
            yield Problem(pointer, "types", f"The value is none of {check.fact}.")
    elif than.kind is From.TODAY and fact.type is not FactType.DATE:
        yield Problem(pointer, "types", "Only a date is compared with today.")
    elif than.kind is From.RULE:
        yield Problem(pointer, "types", "A condition looks at facts; make the output a fact first.")
