"""Machines that open links are labelled, and people are not taken for machines."""

from datetime import UTC, datetime, timedelta

import pytest

from reconciliation.domain.visit import Visitor, judge

AT = datetime(2026, 2, 1, 9, tzinfo=UTC)
PERSON = {
    "user-agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/605.1.15",
    "accept-language": "tr-TR,tr;q=0.9",
}


def test_a_person_with_a_browser_is_a_person() -> None:
    seen = judge(AT, headers=PERSON, mailed_at=AT - timedelta(minutes=5))
    assert (seen.visitor, seen.reasons) == (Visitor.PERSON, ())


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({**PERSON, "user-agent": "Mozilla/5.0 (compatible; BingPreview/1.0b)"}, "agent"),
        ({**PERSON, "user-agent": "Proofpoint URL Defense"}, "agent"),
        ({**PERSON, "user-agent": "python-requests/2.32"}, "agent"),
        ({**PERSON, "user-agent": ""}, "agent"),
        ({**PERSON, "sec-purpose": "prefetch;prerender"}, "prefetch"),
        ({"user-agent": PERSON["user-agent"]}, "language"),
    ],
)
def test_gateways_and_programs_are_machines(headers: dict[str, str], reason: str) -> None:
    seen = judge(AT, headers=headers)
    assert seen.visitor is Visitor.MACHINE
    assert reason in seen.reasons


def test_nobody_opens_a_link_within_seconds_of_its_mail() -> None:
    assert judge(AT, headers=PERSON, mailed_at=AT - timedelta(seconds=19)).reasons == ("too_soon",)
    assert judge(AT, headers=PERSON, mailed_at=AT - timedelta(seconds=20)).reasons == ()
