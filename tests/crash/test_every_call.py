"""Every use case, every call, all seven faults: nothing lost, nothing doubled (I-1 … I-22).

The seed of a failing run is printed: use case, mode and number of the call, with the calls before.
"""

from collections.abc import Iterator

import pytest

from tests.budgets import fault_points
from tests.crash.use_cases import BY_NAME, USE_CASES, small_groups
from tests.support.drive import Explorer, UseCase, driving
from tests.support.faults import MODES
from tests.support.invariants import settled

pytestmark = pytest.mark.slow
_NAMES = [use_case.name for use_case in USE_CASES]
_DEEP = ("send enrolment", "send collection", "ask after a lost request", "prepare collection")


@pytest.fixture(autouse=True)
def _groups() -> Iterator[None]:
    with small_groups():
        yield


@pytest.fixture
def explorer(request: pytest.FixtureRequest) -> Iterator[Explorer]:
    """The use case of the test, arranged once."""
    use_case: UseCase = BY_NAME[request.param]
    with driving() as drive:
        yield Explorer(drive, use_case, settled)


@pytest.mark.parametrize("explorer", _NAMES, indirect=True)
def test_no_single_fault_breaks_anything(explorer: Explorer) -> None:
    """Also a refusal that outlasts the SDK (TP): it costs a redelivery, or a wait, and no more."""
    fault_points.check(explorer.use_case.name, explorer.trace())
    modes = (*MODES, "TP")
    fired: set[str] = set()
    for run in explorer.singles(modes):
        fired.add(run.faults.mode)
        assert not run.complaints, str(run)
    assert fired == set(modes)


@pytest.mark.deep
@pytest.mark.parametrize("explorer", _DEEP, indirect=True)
def test_no_two_faults_break_anything(explorer: Explorer) -> None:
    number = 0
    for run in explorer.doubles():
        number += 1
        assert not run.complaints, str(run)
    assert number > 500
