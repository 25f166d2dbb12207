"""Pending approvals and their durations (R21), computed from the approvals themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from workflow.domain.approvals.approval import Approval, Task, TaskOutcome

_AGES: Final = ((24, "day"), (72, "three_days"), (168, "week"))
_OLDER: Final = "older"
AGES: Final = (*(name for _, name in _AGES), _OLDER)


@dataclass(frozen=True, slots=True)
class Pending:
    """Open tasks of one stage and candidate. Shapes: ``by_age`` counts by the names in AGES."""

    level: str
    candidate: str
    count: int
    breached: int
    by_age: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class StageTimes:
    """How long the decided tasks of a stage took.

    Units: ``average`` and ``p90`` without the time the clock stood still; ``p90`` is the smallest
    duration that nine of ten did not exceed (nearest rank).
    """

    kind: str
    level: str
    count: int
    average: timedelta
    p90: timedelta
    breached: int


@dataclass(frozen=True, slots=True)
class Report:
    """What R21 asks for.

    Shapes: ``rounds`` counts approvals by how many rounds they took; ``rejections`` by stage and
    words; ``delegated`` are decisions on behalf of somebody.
    """

    pending: tuple[Pending, ...]
    stages: tuple[StageTimes, ...]
    outcomes: Mapping[str, int]
    rounds: Mapping[int, int]
    rejections: tuple[tuple[str, str, int], ...]
    delegated: int
    decisions: int


def report(open_ones: Iterable[Approval], closed: Iterable[Approval], now: datetime) -> Report:
    """Figures over open approvals and those that ended in a period."""
    waiting, ended = list(open_ones), list(closed)
    everything = [*waiting, *ended]
    votes = [vote for each in everything for task in each.tasks for vote in task.votes]
    rejected = Counter(
        (each.stage_of(task).level, vote.reason.strip())
        for each in everything
        for task in each.tasks
        for vote in task.votes
        if vote.outcome == "reject"
    )
    return Report(
        pending=_pending(waiting, now),
        stages=_stages(everything, now),
        outcomes=dict(sorted(Counter(each.status.value for each in ended).items())),
        rounds=dict(sorted(Counter(each.round for each in ended).items())),
        rejections=tuple(
            (level, words, count) for (level, words), count in rejected.most_common(20)
        ),
        delegated=sum(1 for vote in votes if vote.on_behalf_of),
        decisions=len(votes),
    )


def _age(elapsed: timedelta) -> str:
    hours = elapsed / timedelta(hours=1)
    return next((name for limit, name in _AGES if hours <= limit), _OLDER)


def _pending(waiting: Sequence[Approval], now: datetime) -> tuple[Pending, ...]:
    groups: dict[tuple[str, str], list[Task]] = {}
    for approval in waiting:
        task = approval.task
        if task is None:
            continue
        for candidate in task.candidates:
            groups.setdefault((approval.stage_of(task).level, candidate), []).append(task)
    return tuple(
        Pending(
            level,
            candidate,
            len(tasks),
            sum(task.breached(now) for task in tasks),
            dict(Counter(_age(task.elapsed(now)) for task in tasks)),
        )
        for (level, candidate), tasks in sorted(groups.items())
    )


_DECIDED: Final = (TaskOutcome.APPROVED, TaskOutcome.REJECTED, TaskOutcome.RETURNED)


def _stages(everything: Sequence[Approval], now: datetime) -> tuple[StageTimes, ...]:
    groups: dict[tuple[str, str], list[Task]] = {}
    for approval in everything:
        for task in approval.tasks:
            if task.outcome in _DECIDED:
                key = (approval.kind, approval.stage_of(task).level)
                groups.setdefault(key, []).append(task)
    found = []
    for (kind, level), tasks in sorted(groups.items()):
        times = sorted(task.elapsed(now) for task in tasks)
        rank = -(-9 * len(times) // 10) - 1
        found.append(
            StageTimes(
                kind,
                level,
                len(times),
                sum(times, timedelta(0)) // len(times),
                times[rank],
                sum(task.breached(now) for task in tasks),
            )
        )
    return tuple(found)
