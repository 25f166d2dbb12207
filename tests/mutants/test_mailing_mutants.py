"""The seeded error of mailing is seen, and the real code is not blamed."""

from contextlib import nullcontext
from datetime import date, timedelta

import pytest

from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from tests.mutants import mailing_mutants as mutants
from tests.support.aws import START, AwsWorld, platform_of
from tests.support.letters_world import LettersDesk
from tests.support.reconciliation_world import reconciliation_world

WINDOW_ENDS = 8


def mailed_on(aws: AwsWorld) -> list[date]:
    """The run starts inside the window; its mails come up one by one, the second after the end."""
    clock = FixedClock(START)
    platform = platform_of(aws, clock=clock, ids=SequenceIds(at=START))
    with reconciliation_world(aws, platform, clock) as world:
        desk = LettersDesk(world)
        desk.settings(automatic=True, ends_day=WINDOW_ENDS)
        desk.text()
        for number, tax_no in (("120.1", "1234567890"), ("120.2", "7340047560")):
            world.counterparty(number, tax_no=tax_no, emails=[f"{number}@deneme.example"])
            desk.books(number)
        world.minute()
        desk.handle("reconciliation-mailing", aws.messages("reconciliation-mailing"))
        days = []
        for body in aws.messages("reconciliation-mail"):
            before = len(desk.post.taken)
            desk.handle("reconciliation-mail", [body])
            days += [clock.now().date()] * (len(desk.post.taken) - before)
            clock.advance(timedelta(days=WINDOW_ENDS))
        return days


@pytest.mark.parametrize("mutant", [mutants.m15, None], ids=["M15", "the real code"])
def test_a_mail_outside_the_window_is_seen(aws: AwsWorld, mutant: object) -> None:
    with mutants.m15() if mutant else nullcontext():
        days = mailed_on(aws)
    assert days, "nothing was mailed at all"
    late = [day for day in days if day.day > WINDOW_ENDS]
    assert bool(late) == bool(mutant), days
