"""Answers of the API are as described, whatever a test is about."""

import pytest

from tests.support import answers
from toolkit.entrypoints.http import HttpApp


@pytest.fixture(autouse=True)
def _answers_as_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HttpApp, "_call", answers.listener().listen())


def pytest_sessionfinish() -> None:
    """Keep what was recorded."""
    if answers.RECORDING:
        answers.write()
