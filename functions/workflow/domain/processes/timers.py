"""When the timers of a step go off, and when it is late.

Units: a timer bound to a day goes off at the start of that day in the zone of the business; an
expiry only when the day is over, so that the last day still counts.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from kernel.business_days import Calendar
from kernel.clock import local_date
from workflow.domain.processes.definition import STARTED, Definition, Timer, TimerKind
from workflow.domain.processes.instance import Instance


def start_of(day: date, zone: tzinfo) -> datetime:
    """The first moment of a day in a zone, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def due_on(timer: Timer, instance: Instance, calendar: Calendar, zone: tzinfo) -> datetime | None:
    """When a timer goes off; None while its date is not known."""
    if timer.base == STARTED:
        base = local_date(instance.step_since, zone) if instance.step_since is not None else None
    else:
        said = instance.data.get(timer.base)
        base = date.fromisoformat(said) if isinstance(said, str) else None
    if base is None:
        return None
    day = base + timedelta(days=timer.days)
    if timer.business:
        day = calendar.following(day)
    return start_of(day + timedelta(days=timer.kind is TimerKind.EXPIRY), zone)


def waiting_timers(
    definition: Definition, instance: Instance, calendar: Calendar, zone: tzinfo
) -> list[tuple[datetime, Timer]]:
    """Timers of the present step that have not gone off, in the order they will.

    At the same moment a reminder comes before an escalation and that before an expiry.
    """
    if not instance.is_open:
        return []
    kinds = list(TimerKind)
    made = [
        (due, timer)
        for timer in definition.steps[instance.step].timers
        if timer.key not in instance.fired
        and (due := due_on(timer, instance, calendar, zone)) is not None
    ]
    return sorted(made, key=lambda pair: (pair[0], kinds.index(pair[1].kind), pair[1].key))


def late_at(definition: Definition, instance: Instance, zone: tzinfo) -> datetime | None:
    """The moment from which the present step is late; None without a limit."""
    if not instance.is_open or instance.step_since is None:
        return None
    days = definition.steps[instance.step].sla_days
    if not days:
        return None
    first = local_date(instance.step_since, zone)
    return start_of(first + timedelta(days=days + 1), zone)
