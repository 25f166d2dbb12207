"""The committed acceptance cases, one test per case."""

from __future__ import annotations

import pytest

from tests.acceptance.runner import CASES, Case, load, run_case, show


@pytest.mark.parametrize("case", load(CASES), ids=lambda case: f"{case.area}:{case.id}")
def test_case_holds(case: Case) -> None:
    result = run_case(case)
    if result.status == "not built":
        pytest.skip(f"{result.got} is not built yet")
    assert result.status == "passed", f"expected {show(case.expect)}, got {result.got}"
