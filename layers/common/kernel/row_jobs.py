"""The end of a job over the rows of a file, with everything that is wrong with them."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from kernel.errors import Problem
from kernel.storing import WriteRefusedError


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One thing wrong with one row of a file.

    Shapes: ``line`` counts from 1, 0 is the file itself; ``subject`` is the item that it is about,
    as ``<type>:<id>``, where there is one.
    """

    line: int
    problem: Problem
    subject: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As a job shows it; the pointer names row and field."""
        found = self.problem.under(f"/rows/{self.line}" if self.line else "")
        about = {"subject": self.subject} if self.subject else {}
        return {
            "pointer": found.pointer,
            "code": found.code,
            "message": found.message,
            **about,
        }


class RowJobUnit(Protocol):
    """The unit of work in which a job ends."""

    def finish_job(
        self,
        job_id: str,
        status: str,
        *,
        result: Mapping[str, Any],
        problems: Sequence[Mapping[str, Any]] = (),
        total: int = 0,
        failed: int = 0,
    ) -> None: ...
    def commit(self) -> None: ...


def end_row_job(
    unit: RowJobUnit,
    job_id: str,
    status: str,
    result: Mapping[str, Any],
    problems: Sequence[RowProblem] = (),
    *,
    total: int = 0,
) -> None:
    """Close a job once. Units: ``total`` rows; a row with several problems failed once."""
    unit.finish_job(
        job_id,
        status,
        result=result,
        problems=[problem.to_dict() for problem in problems],
        total=total,
        failed=len({problem.line for problem in problems}),
    )
    with suppress(WriteRefusedError):  # another worker closed it
        unit.commit()
