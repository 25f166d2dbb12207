"""Seeded errors of mailing (reliability.md §11, M15), in the real code."""

from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date
from typing import Any
from unittest import mock

from reconciliation.application.send_letter import SendLetter
from reconciliation.domain.letter import LetterMail


def m15() -> AbstractContextManager[Any]:
    """The window is looked at when the run begins, and not again for each mail."""
    real = SendLetter._why_not

    def as_the_run_saw_it(self: SendLetter, mail: LetterMail, ready: Any) -> str:
        return real(self, replace(mail, automatic=False, until=date.max), ready)

    return mock.patch.object(SendLetter, "_why_not", as_the_run_saw_it)
