"""What the other side's figures tell: above all a mix-up of e-documents is named."""

from datetime import UTC, datetime

import pytest

from kernel.errors import ValidationError
from reconciliation.domain.answer import AnswerFields, Finding, Said, checked, judge
from reconciliation.domain.figures import Figure, Part
from reconciliation.domain.letter import Basis, Edition, edition_of
from tests.support.reconciliation_builders import lira

ROW = Figure(("c",), Part(3, lira("2500.75")), Part(7, lira("6500.75")), True, ())


def _edition(basis: Basis) -> Edition:
    at = datetime(2026, 2, 1, tzinfo=UTC)
    return edition_of(ROW, basis, lira("5000.00"), number=1, template="tr/1", at=at)


@pytest.mark.parametrize(
    ("basis", "count", "total", "finding"),
    [
        (Basis.FORM, None, None, Finding.NONE),
        (Basis.FORM, 3, "2500.75", Finding.SAME),
        (Basis.FORM, 3, "2500.00", Finding.SAME),
        (Basis.FORM, 7, "6500.75", Finding.E_DOCUMENTS_COUNTED),
        (Basis.FORM, None, "6500.00", Finding.E_DOCUMENTS_COUNTED),
        (Basis.ALL, 3, "2500.75", Finding.E_DOCUMENTS_LEFT_OUT),
        (Basis.ALL, 7, None, Finding.SAME),
        (Basis.FORM, 3, "6500.75", Finding.DIFFERENT),
        (Basis.FORM, 4, "2500.75", Finding.DIFFERENT),
        (Basis.FORM, 3, "2500.74", Finding.DIFFERENT),
        (Basis.FORM, 3, "2501.00", Finding.DIFFERENT),
    ],
)
def test_their_figures_are_compared_with_both_of_ours(
    basis: Basis, count: int | None, total: str | None, finding: Finding
) -> None:
    seen = judge(_edition(basis), count, None if total is None else lira(total))
    assert seen.finding is finding
    assert bool(seen.why) is (finding is not Finding.NONE)


def test_differences_are_theirs_minus_ours() -> None:
    seen = judge(_edition(Basis.FORM), 5, lira("2000.75"))
    assert (seen.count_difference, seen.total_difference) == (2, lira("-500.00"))
    assert [why.key.rpartition(".")[2] for why in seen.why] == [
        "reply_count_differs",
        "reply_total_differs",
    ]


def test_everything_wrong_with_an_answer_is_said_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        checked(AnswerFields(Said.AGREED, "", "x\x00", -1, lira("-1.00")))
    pointers = {problem.pointer for problem in caught.value.problems}
    assert pointers == {"/name", "/note", "/their_count", "/their_total"}


def test_whoever_asks_for_time_or_is_another_company_needs_no_name() -> None:
    assert checked(AnswerFields(Said.LATER)).said.outcome is None
    assert checked(AnswerFields(Said.NOT_MINE, note="  wrong number ")).note == "wrong number"
