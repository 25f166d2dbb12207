"""Which chain a matter needs: decided by rule, its stages described by dated parameters."""

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kernel.errors import Problem, RuleViolationError, ValidationError
from workflow.application.context import Scope
from workflow.application.evaluate_rule import Question, decide
from workflow.domain.approvals.chain import (
    MAX_STAGES,
    Chain,
    Mode,
    OnExpiry,
    RejectPolicy,
    Signature,
    SlaClock,
    Stage,
    distinct,
)
from workflow.domain.rules.evaluation import Outcome
from workflow.domain.rules.parameters import MissingParameterError, World
from workflow.domain.rules.record import DecisionRecord
from workflow.domain.rules.scope import Scopes

_CANDIDATE: Final = re.compile(r"user:[0-9A-Za-z-]{1,40}|role:[a-z_]{1,40}")
_LEVEL: Final = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
STAGE_PARAMETERS: Final = frozenset(
    f"approval.{name}"
    for name in (
        "apart",
        "candidates",
        "clock",
        "collapse_duplicates",
        "escalate_to",
        "escalation_replaces",
        "expiry_hours",
        "info_stops_clock",
        "mode",
        "needed",
        "on_expiry",
        "reauthenticate",
        "reject_policy",
        "reminder_hours",
        "revocation_required",
        "signature",
        "sla_hours",
    )
)
"""Parameters that describe stages and chains, without the level in brackets."""
_STAGE_LISTS: Final = ("chain", "stages")


@dataclass(frozen=True, slots=True)
class Matter:
    """What somebody wants approved.

    Shapes: ``rule`` is the key that names the stages (``approval.<kind>`` if empty); ``stages``
    names them without a rule; ``duties`` are persons with other duties in the matter, by duty.
    """

    origin: str
    request_id: str
    kind: str
    subject: str
    facts: Mapping[str, Any]
    content: Mapping[str, Any]
    requested_by: str
    rule: str = ""
    stages: tuple[str, ...] | None = None
    duties: Mapping[str, str] | None = None


def resolve_chain(
    scope: Scope, matter: Matter, names: Mapping[str, str]
) -> tuple[Chain, DecisionRecord | None]:
    """The chain as it counts today, and the decision that chose it.

    ``names`` are the display names of persons known now; they are kept as they are now.
    Raises: what deciding by the rule raises; RuleViolationError("approval_setting") naming a
    parameter that cannot be read, or a level without candidates.
    """
    record: DecisionRecord | None = None
    policy: dict[str, Any] = {"valid_on": scope.today.isoformat()}
    levels = matter.stages
    if levels is None:
        rule = matter.rule or f"approval.{matter.kind}"
        made = decide(scope, Question(rule, matter.facts, causation_id=matter.request_id))
        record = made.record
        levels = _levels(record)
        policy |= {
            "rule": rule,
            "table": record.table,
            "version": record.version_id,
            "sha256": record.sha256,
            "decision_id": record.id,
        }
    if len(levels) > MAX_STAGES:
        raise ValidationError("too_many_stages", f"A chain has at most {MAX_STAGES} stages.")
    catalogue = scope.shipped.plus(parameters=scope.store.parameters())
    settings = _Settings(scope.world(catalogue, scope.today, scope.clock.now(), Scopes()))
    stages = tuple(settings.stage(level, names) for level in levels)
    return (
        Chain(
            stages,
            policy,
            on_reject=settings.one_of("approval.reject_policy", "", RejectPolicy),
            collapse_duplicates=settings.flag("approval.collapse_duplicates", ""),
            apart=settings.texts("approval.apart", ""),
            info_stops_clock=settings.flag("approval.info_stops_clock", ""),
            revocation_required=settings.flag("approval.revocation_required", ""),
        ),
        record,
    )


def _levels(record: DecisionRecord) -> tuple[str, ...]:
    """Stages a decision names: a list of levels, or one approver if one is needed."""
    if record.outcome is Outcome.NO_RULE or record.result is None:
        return ()
    result = record.result
    for name in _STAGE_LISTS:
        if isinstance(result.get(name), Sequence) and not isinstance(result[name], str):
            return tuple(map(str, result[name]))
    if result.get("approval_required") and result.get("approver"):
        return (str(result["approver"]),)
    return ()


class _Settings:
    """Dated parameters of stages: ``key[LEVEL]``, ``key[DEFAULT]`` or ``key`` for all levels."""

    def __init__(self, world: World) -> None:
        self._world = world

    def stage(self, level: str, names: Mapping[str, str]) -> Stage:
        if _LEVEL.fullmatch(level) is None:
            problem = Problem("/stages", "level", "A level has capitals, digits and _.")
            raise ValidationError("invalid_input", "Some fields are wrong.", problems=[problem])
        candidates = self.candidates("approval.candidates", level)
        escalate_to = self.candidates("approval.escalate_to", level)
        if not candidates:
            raise _unreadable("approval.candidates", level)
        return Stage(
            level=level,
            candidates=candidates,
            mode=self.one_of("approval.mode", level, Mode),
            needed=self.number("approval.needed", level),
            sla_hours=self.number("approval.sla_hours", level),
            reminder_hours=self.numbers("approval.reminder_hours", level),
            escalate_to=escalate_to,
            escalation_replaces=self.flag("approval.escalation_replaces", level),
            expiry_hours=self.number("approval.expiry_hours", level),
            on_expiry=self.one_of("approval.on_expiry", level, OnExpiry),
            clock=self.one_of("approval.clock", level, SlaClock),
            signature=self.one_of("approval.signature", level, Signature),
            reauthenticate=self.flag("approval.reauthenticate", level),
            names={name: names[name] for name in (*candidates, *escalate_to) if name in names},
        )

    def value(self, key: str, level: str) -> Any:
        for group in (level, "DEFAULT") if level else ():
            with contextlib.suppress(MissingParameterError):
                return self._world.parameter(f"{key}[{group}]")
        return self._world.parameter(key)

    def texts(self, key: str, level: str) -> tuple[str, ...]:
        value = self.value(key, level)
        listed = value if isinstance(value, list) else [value]
        if not all(isinstance(each, str) for each in listed):
            raise _unreadable(key, level)
        return distinct(each for each in listed if each != "NONE")

    def candidates(self, key: str, level: str) -> tuple[str, ...]:
        found = self.texts(key, level)
        if not all(_CANDIDATE.fullmatch(each) for each in found):
            raise _unreadable(key, level)
        return found

    def number(self, key: str, level: str) -> int:
        value = self.value(key, level)
        if type(value) is not int or not 1 <= value <= 8760:
            raise _unreadable(key, level)
        return value

    def numbers(self, key: str, level: str) -> tuple[int, ...]:
        value = self.value(key, level)
        listed = value if isinstance(value, list) else [value]
        if not all(type(each) is int and 0 <= each <= 8760 for each in listed):
            raise _unreadable(key, level)
        return tuple(each for each in listed if each)

    def flag(self, key: str, level: str) -> bool:
        value = self.value(key, level)
        if type(value) is not bool:
            raise _unreadable(key, level)
        return value

    def one_of(self, key: str, level: str, kind: Any) -> Any:
        try:
            return kind(self.value(key, level))
        except ValueError:
            raise _unreadable(key, level) from None


def _unreadable(key: str, level: str) -> RuleViolationError:
    name = f"{key}[{level}]" if level else key
    return RuleViolationError(
        "approval_setting", f"The parameter {name} does not say what a stage needs."
    )
