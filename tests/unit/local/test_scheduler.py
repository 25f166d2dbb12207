"""Schedules are due when AWS says, and the clock moves through them in order."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.local.clock import LocalClock
from infra.local.cloud.model import LocalCloudError, Schedule, Target
from infra.local.durations import DurationError, parse_duration
from infra.local.expressions import ExpressionError, parse_expression
from infra.local.scheduler import (
    Delivered,
    Scheduler,
    UnknownScheduleError,
    scheduled_event,
)
from toolkit.moved_time import following

MONDAY = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def occurrences(expression: str, after: datetime, count: int, zone: str = "UTC") -> list[str]:
    parsed = parse_expression(expression, zone)
    found = []
    instant: datetime | None = after
    for _ in range(count):
        assert instant is not None
        instant = parsed.next_after(instant)
        found.append("" if instant is None else instant.strftime("%Y-%m-%dT%H:%M"))
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0 8 * * ? *)", ["2026-03-03T08:00", "2026-03-04T08:00"]),
        ("cron(15,45 12 * * ? *)", ["2026-03-02T12:15", "2026-03-02T12:45"]),
        ("cron(0/20 12-13 * * ? *)", ["2026-03-02T12:20", "2026-03-02T12:40", "2026-03-02T13:00"]),
        ("cron(0 6 1 * ? *)", ["2026-04-01T06:00", "2026-05-01T06:00"]),
        ("cron(0 6 L * ? *)", ["2026-03-31T06:00", "2026-04-30T06:00"]),
        ("cron(0 6 LW * ? *)", ["2026-03-31T06:00", "2026-04-30T06:00", "2026-05-29T06:00"]),
        ("cron(0 6 1W * ? *)", ["2026-04-01T06:00", "2026-05-01T06:00", "2026-06-01T06:00"]),
        ("cron(0 6 15W 3,8 ? *)", ["2026-03-16T06:00", "2026-08-14T06:00"]),
        ("cron(0 6 31 * ? *)", ["2026-03-31T06:00", "2026-05-31T06:00"]),
        ("cron(0 6 29 FEB ? *)", ["2028-02-29T06:00"]),
        ("cron(0 9 ? * MON-FRI *)", ["2026-03-03T09:00", "2026-03-04T09:00"]),
        ("cron(0 9 ? * 1 *)", ["2026-03-08T09:00"]),
        ("cron(0 9 ? * 6L *)", ["2026-03-27T09:00"]),
        ("cron(0 9 ? * L *)", ["2026-03-07T09:00"]),
        ("cron(0 9 ? * TUE#1 *)", ["2026-03-03T09:00", "2026-04-07T09:00"]),
        ("cron(0 9 ? * 3#5 *)", ["2026-03-31T09:00", "2026-06-30T09:00"]),
        ("cron(0 9 1 1 ? 2027)", ["2027-01-01T09:00", ""]),
        ("cron(0 9 1 1 ? 2025)", [""]),
        ("at(2026-03-02T13:00:00)", ["2026-03-02T13:00", ""]),
        ("at(2026-03-02T11:00:00)", [""]),
        ("rate(1 minute)", ["2026-03-02T12:01", "2026-03-02T12:02"]),
        ("rate(5 days)", ["2026-03-03T00:00", "2026-03-08T00:00"]),
    ],
)
def test_expressions_are_due_when_aws_says(expression: str, expected: list[str]) -> None:
    assert occurrences(expression, MONDAY, len(expected)) == expected


def test_wall_times_belong_to_the_zone_of_the_schedule() -> None:
    assert occurrences("cron(0 8 * * ? *)", MONDAY, 1, "Europe/Istanbul") == ["2026-03-03T05:00"]
    assert occurrences("at(2026-07-01T09:00:00)", MONDAY, 1, "Europe/Athens") == [
        "2026-07-01T06:00"
    ]


def test_the_spring_shift_skips_and_the_autumn_shift_runs_once() -> None:
    spring = occurrences("cron(30 3 * * ? *)", utc("2026-03-27T12:00"), 3, "Europe/Athens")
    assert spring == ["2026-03-28T01:30", "2026-03-30T00:30", "2026-03-31T00:30"]
    autumn = occurrences("cron(30 3 * * ? *)", utc("2026-10-24T12:00"), 2, "Europe/Athens")
    assert autumn == ["2026-10-25T00:30", "2026-10-26T01:30"]


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 8 * * *)",
        "cron(0 8 * * * *)",
        "cron(0 8 ? * ? *)",
        "cron(60 8 * * ? *)",
        "cron(0 8 0 * ? *)",
        "cron(0 8 ? * 8 *)",
        "cron(0 8 ? * MON#6 *)",
        "cron(0 20-8 * * ? *)",
        "cron(0/0 8 * * ? *)",
        "cron(x 8 * * ? *)",
        "rate(0 minutes)",
        "rate(1 fortnight)",
        "at(tomorrow)",
        "daily",
    ],
)
def test_expressions_that_aws_would_refuse_are_refused(expression: str) -> None:
    with pytest.raises(ExpressionError):
        parse_expression(expression)


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(ExpressionError, match="time zone"):
        parse_expression("rate(1 day)", "Europe/Nowhere")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT1H", 3600),
        ("P3D", 259200),
        ("P1W", 604800),
        ("P1DT2H30M5S", 95405),
        ("pt90m", 5400),
        ("3d", 259200),
        ("90m", 5400),
        (" 2w ", 1209600),
    ],
)
def test_durations_are_read(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "P1M", "P1Y", "-P1D", "P0D", "0d", "1", "3 days", "P367D", "P9" * 3]
)
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(DurationError):
        parse_duration(text)


def test_a_duration_beyond_any_calendar_is_refused() -> None:
    with pytest.raises(DurationError, match="at most"):
        parse_duration("P" + "9" * 20 + "D")


def test_the_clock_keeps_its_offset_and_never_goes_back(tmp_path: Path) -> None:
    path = tmp_path / "state" / "clock.json"
    clock = LocalClock(path, wall=lambda: MONDAY)
    assert clock.now() == MONDAY
    clock.move_to(MONDAY + timedelta(hours=1))
    assert clock.now() == MONDAY + timedelta(hours=1)
    assert LocalClock(path, wall=lambda: MONDAY).offset_seconds == 3600
    with pytest.raises(ValueError, match="backwards"):
        clock.move_to(MONDAY)
    clock.reset()
    assert LocalClock(path).offset_seconds == 0
    path.write_text('{"offset_seconds": "soon"}')
    with pytest.raises(LocalCloudError, match="damaged"):
        LocalClock(path)


def test_a_frozen_clock_stands_until_it_is_moved_or_let_go(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    wall = [MONDAY]
    clock = LocalClock(path, wall=lambda: wall[0])
    clock.freeze()
    wall[0] += timedelta(minutes=5)
    assert clock.now() == MONDAY
    clock.move_to(MONDAY + timedelta(hours=1))
    again = LocalClock(path, wall=lambda: wall[0])
    assert (again.frozen, again.now()) == (True, MONDAY + timedelta(hours=1))
    assert again.offset_seconds == 55 * 60
    as_functions_see_it = following(again.announce())
    assert as_functions_see_it(wall[0]) == again.now()
    again.thaw()
    wall[0] += timedelta(minutes=1)
    assert again.now() == MONDAY + timedelta(hours=1, minutes=1)
    assert as_functions_see_it(wall[0]) == again.now()


def test_a_clock_that_stood_still_goes_on_behind_the_wall(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    wall = [MONDAY]
    clock = LocalClock(path, wall=lambda: wall[0])
    clock.freeze()
    wall[0] += timedelta(minutes=5)
    assert clock.thaw() == MONDAY
    assert LocalClock(path, wall=lambda: wall[0]).offset_seconds == -300


class World:
    """Stands in for the rest of the stack and writes down what happened, in order."""

    def __init__(self, clock: LocalClock) -> None:
        self.clock = clock
        self.diary: list[str] = []
        self.answers: dict[str, Delivered] = {}
        self.drains = True

    def move_clock(self, instant: datetime) -> None:
        self.clock.move_to(instant)
        self.diary.append(f"move {self.clock.now():%d %H:%M}")

    def settle(self) -> bool:
        self.diary.append("settle")
        return self.drains

    def deliver(self, schedule: Schedule, payload: bytes) -> Delivered:
        self.diary.append(f"run {schedule.logical_id}")
        return self.answers.get(schedule.logical_id, Delivered(ok=True, detail="{}"))


MakeScheduler = Callable[..., tuple[Scheduler, World]]


@pytest.fixture
def make(tmp_path: Path) -> MakeScheduler:
    def build(**expressions: str) -> tuple[Scheduler, World]:
        clock = LocalClock(tmp_path / "clock.json", wall=lambda: MONDAY)
        world = World(clock)
        schedules = [
            schedule(name, expression.partition("@")[0], expression.partition("@")[2] or "UTC")
            for name, expression in expressions.items()
        ]
        scheduler = Scheduler(
            schedules,
            clock=clock,
            stack=world,
            deliver=world.deliver,
            log=world.diary.append,
            aliases=lambda entry: [f"pensions-{entry.logical_id}", "Shared"],
        )
        return scheduler, world

    return build


def schedule(name: str, expression: str, zone: str = "UTC", **target: Any) -> Schedule:
    arn = "arn:aws:lambda:eu-central-1:123456789012:function:f"
    return Schedule(name, f"stack-{name}", expression, zone, Target("t", arn, **target))


def test_an_advance_stops_where_a_schedule_is_due_and_drains_before_it_goes_on(
    make: MakeScheduler,
) -> None:
    scheduler, world = make(
        Evening="cron(0 21 * * ? *)", Morning="cron(0 8 * * ? *)@Europe/Istanbul"
    )
    report = scheduler.advance(timedelta(days=1))
    assert world.diary == [
        "move 02 21:00",
        "settle",
        "run Evening",
        "settle",
        "move 03 05:00",
        "settle",
        "run Morning",
        "settle",
        "move 03 12:00",
        "settle",
    ]
    assert [(run.schedule, run.scheduled_at) for run in report.runs] == [
        ("Evening", utc("2026-03-02T21:00")),
        ("Morning", utc("2026-03-03T05:00")),
    ]
    assert report.offset_seconds == 86400
    assert report.ended_at - report.started_at == timedelta(days=1)
    assert report.settled


def test_frequent_schedules_are_coalesced_and_the_report_says_so(make: MakeScheduler) -> None:
    scheduler, world = make(Sweep="rate(1 minute)", Hourly="cron(0 * * * ? *)")
    report = scheduler.advance(timedelta(days=3))
    assert world.diary.count("run Sweep") == 3
    assert world.diary.count("run Hourly") == 3
    assert world.diary.index("move 05 12:00") < len(world.diary) - 1
    by_name = {each.schedule: each for each in report.coalesced}
    assert (by_name["Sweep"].due, by_name["Sweep"].ran) == (3 * 24 * 60, 3)
    assert (by_name["Hourly"].due, by_name["Hourly"].ran) == (72, 3)


def test_a_short_advance_runs_a_frequent_schedule_once(make: MakeScheduler) -> None:
    scheduler, world = make(Sweep="rate(1 minute)", Quarter="rate(15 minutes)")
    scheduler.advance(timedelta(minutes=5))
    assert world.diary == ["move 02 12:05", "settle", "run Sweep", "settle"]
    scheduler.advance(timedelta(hours=1))
    assert world.diary[4:] == [
        "move 02 13:05",
        "settle",
        "run Sweep",
        "settle",
        "run Quarter",
        "settle",
    ]


def test_an_advance_is_deterministic(make: MakeScheduler) -> None:
    names = {"A": "cron(0 3 * * ? *)", "B": "cron(0 3 * * ? *)", "C": "rate(7 minutes)"}
    first, one = make(**names)
    first.advance(timedelta(days=2))
    one.clock.reset()
    second, two = make(**names)
    second.advance(timedelta(days=2))
    assert one.diary == two.diary
    assert one.diary[:6] == ["move 03 03:00", "settle", "run A", "settle", "run B", "settle"]


def test_a_failing_run_is_reported_and_the_clock_moves_on(make: MakeScheduler) -> None:
    scheduler, world = make(Morning="cron(0 8 * * ? *)", Evening="cron(0 20 * * ? *)")
    world.answers["Evening"] = Delivered(ok=False, detail="it broke")
    world.drains = False
    report = scheduler.advance(timedelta(days=1))
    assert [(run.schedule, run.ok) for run in report.runs] == [
        ("Evening", False),
        ("Morning", True),
    ]
    assert not report.settled
    assert "schedule Evening failed: it broke" in world.diary
    assert world.diary[:4] == [
        "move 02 20:00",
        "settle",
        "run Evening",
        "schedule Evening failed: it broke",
    ]
    assert world.diary.count("settle") == 3, "once at each stop, since nothing comes to rest"
    assert world.clock.offset_seconds == 86400


@pytest.mark.parametrize(
    "name", ["Sweep", "sweep", "stack-Sweep", "pensions-sweep", "pensions.Sweep", "PENSIONS_SWEEP"]
)
def test_run_now_finds_a_schedule_by_any_of_its_names(make: MakeScheduler, name: str) -> None:
    scheduler, world = make(Sweep="rate(1 minute)", Other="rate(1 minute)")
    runs = scheduler.run_now(name)
    assert [run.schedule for run in runs] == ["Sweep"]
    assert world.diary == ["run Sweep"], "run now does not move the clock"
    assert scheduler.statuses()[0].last == runs[0]


def test_run_now_of_a_function_runs_all_of_its_schedules(make: MakeScheduler) -> None:
    scheduler, world = make(One="rate(1 day)", Two="rate(2 days)")
    scheduler.run_now("shared")
    assert world.diary == ["run One", "run Two"]
    with pytest.raises(UnknownScheduleError):
        scheduler.run_now("nobody")


def test_due_schedules_run_as_time_passes(tmp_path: Path) -> None:
    instant = [MONDAY]
    clock = LocalClock(tmp_path / "clock.json", wall=lambda: instant[0])
    world = World(clock)
    scheduler = Scheduler(
        [schedule("Noon", "cron(1 12 * * ? *)")],
        clock=clock,
        stack=world,
        deliver=world.deliver,
        log=world.diary.append,
    )
    scheduler.start()
    try:
        assert world.diary == []
        instant[0] = MONDAY + timedelta(hours=3)
        assert _eventually(lambda: world.diary == ["run Noon"])
        status = scheduler.statuses()[0]
        assert status.next_at == utc("2026-03-03T12:01")
    finally:
        scheduler.stop()


def _eventually(check: Callable[[], bool]) -> bool:
    import time

    end = time.monotonic() + 5
    while time.monotonic() < end and not check():
        time.sleep(0.02)
    return check()


def test_a_template_with_a_bad_expression_does_not_start(make: MakeScheduler) -> None:
    with pytest.raises(LocalCloudError, match="schedule Wrong"):
        make(Wrong="cron(0 8 * *)")


def test_the_event_is_the_schedulers_own_or_the_input_of_the_target() -> None:
    event = json.loads(scheduled_event(schedule("S", "rate(1 day)"), MONDAY))
    assert event["source"] == "aws.scheduler"
    assert event["detail-type"] == "Scheduled Event"
    assert event["time"] == "2026-03-02T12:00:00Z"
    assert event["resources"] == ["arn:aws:scheduler:local:123456789012:schedule/default/stack-S"]
    own = schedule("S", "rate(1 day)", input='{"at": "<aws.scheduler.scheduled-time>"}')
    assert json.loads(scheduled_event(own, MONDAY)) == {"at": "2026-03-02T12:00:00Z"}
