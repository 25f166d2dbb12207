"""What the dashboard may ask of a running stack: the seam between pages and machinery."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import unescape
from typing import Any, Final, Protocol

from infra.local.cloud.mail import Mail, Outcome
from infra.local.gateway import LoggedRequest
from infra.local.log_book import Line
from infra.local.pump import PumpStatus
from infra.local.scheduler import Advance, Run, ScheduleStatus

_LINK_IN_TEXT: Final = re.compile(r"https?://[^\s<>\"']+")
_LINK_IN_HTML: Final = re.compile(r"<a\s[^>]*href=[\"'](https?://[^\"']+)[\"']", re.IGNORECASE)


def links_of(mail: Mail) -> list[str]:
    """Every web address of a mail, once, in order of appearance."""
    in_text = (found.rstrip(".,;:)") for found in _LINK_IN_TEXT.findall(mail.text))
    in_html = (unescape(found) for found in _LINK_IN_HTML.findall(mail.html))
    return list(dict.fromkeys([*in_text, *in_html]))


@dataclass(frozen=True, slots=True)
class QueueView:
    """One queue: how full it is, where its dead letters go and who takes its messages."""

    name: str
    visible: int
    in_flight: int
    delayed: int
    oldest_age_seconds: float
    dead_letters: str | None
    is_dead_letter_queue: bool
    consumer: PumpStatus | None


class BusyError(RuntimeError):
    """Another clock move or reset is under way."""


class Controls(Protocol):
    """The running stack as its control pages see it."""

    def overview(self) -> Mapping[str, Any]:
        """Addresses, functions, outputs and what is only declared, as plain data."""
        ...

    def requests(self) -> Sequence[LoggedRequest]:
        """The latest requests, newest first."""
        ...

    def lines(self, source: str | None) -> Sequence[Line]:
        """The latest log lines of one function or of all, oldest first."""
        ...

    def mails(self, limit: int, before_id: int | None, search: str) -> Sequence[Mail]:
        """Captured mails, newest first, whose recipient, subject or text has ``search``."""
        ...

    def mail(self, mail_id: int) -> Mail | None:
        """One mail."""
        ...

    def mail_count(self) -> int:
        """How many mails were captured."""
        ...

    def simulate_mail(self, mail_id: int, outcome: Outcome) -> None:
        """Report what became of a mail. Raises: LookupError."""
        ...

    def queues(self) -> Sequence[QueueView]:
        """Every queue."""
        ...

    def messages(self, queue: str) -> Sequence[Mapping[str, Any]]:
        """Messages of a queue as they wait, none taken. Raises: LookupError."""
        ...

    def tables(self) -> Mapping[str, int]:
        """Every table with the number of its rows."""
        ...

    def rows(self, table: str, search: str) -> Sequence[Mapping[str, Any]]:
        """Rows of a table whose keys contain ``search``, as plain data. Raises: LookupError."""
        ...

    def files(self) -> Sequence[Mapping[str, Any]]:
        """Every stored file: bucket, key, size, instant; newest first."""
        ...

    def scenarios(self) -> Sequence[Mapping[str, Any]]:
        """Every scenario pack: name, title, story."""
        ...

    def play(self, name: str) -> Mapping[str, Any]:
        """Play a pack to its end; ``failed`` says where the story went another way.

        Raises: LookupError for a pack that is not there.
        """
        ...

    def calls(self) -> Mapping[str, Mapping[str, int]]:
        """Requests to the AWS endpoint since the start, by service and operation."""
        ...

    def now(self) -> datetime:
        """The present instant of the stack."""
        ...

    def clock_offset(self) -> int:
        """Seconds by which the stack is ahead of the wall."""
        ...

    def clock_frozen(self) -> bool:
        """Whether time stands still."""
        ...

    def freeze_clock(self, still: bool) -> None:
        """Let time stand still, or pass again. Raises: BusyError."""
        ...

    def advance(self, by: timedelta) -> Advance:
        """Move the clock. Raises: BusyError."""
        ...

    def schedules(self) -> Sequence[ScheduleStatus]:
        """Every schedule."""
        ...

    def run_schedules(self, name: str) -> Sequence[Run]:
        """Run schedules now. Raises: UnknownScheduleError."""
        ...

    def simulators(self) -> Mapping[str, str]:
        """Address per running simulator."""
        ...

    def describe_simulator(self, name: str) -> Mapping[str, Any]:
        """State of a simulator. Raises: UnknownSimulatorError."""
        ...

    def script_simulator(self, name: str, behaviour: Mapping[str, Any]) -> Mapping[str, Any]:
        """Script a simulator and say what was done. Raises: UnknownSimulatorError, ValueError."""
        ...

    def reset(self, *, keep_seed: bool = False) -> Mapping[str, Any]:
        """Wipe everything and seed anew, or go back to the seed with its keys and passwords.

        Raises: BusyError, LocalCloudError when there is no seed to go back to.
        """
        ...

    def snapshots(self) -> Sequence[str]:
        """Names of saved snapshots."""
        ...

    def save_snapshot(self, name: str) -> None:
        """Save everything under a name. Raises: BusyError, LocalCloudError."""
        ...

    def load_snapshot(self, name: str) -> None:
        """Replace everything by a snapshot. Raises: BusyError, LocalCloudError."""
        ...
