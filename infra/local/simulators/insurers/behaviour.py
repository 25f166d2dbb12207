"""Scripted misbehaviour of a simulated insurer, and the table of everything it can do.

A script is one mapping. ``{"kind": "lost_answer", "operation": "enrol", "times": 2}`` or a list of
such under ``next`` queues misbehaviour for the next matching calls; the other members change the
insurer itself and last until they are changed back. ``COMMANDS`` and ``KINDS`` are the manual.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from infra.local.simulators.insurers.messages import Behaviour, Operation

KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "slow": "does the work, then waits `seconds` before it answers",
        "stall": "waits `seconds` before it does anything",
        "drip": "answers one byte per `seconds`",
        "fault": "refuses the call with `reason` (password, locked, contract_unknown, "
        "contract_closed, period_closed, maintenance, busy, invalid, session or any other text, "
        "which is a code nobody knows), without effect",
        "silent_fault": "like fault, but without the echo of the reference",
        "server_fault": "a SOAP fault without any code, after the work is done",
        "lost_answer": "does the work, then drops the connection",
        "drop_request": "drops the connection before it does anything",
        "partial": "refuses the last `reject` lines as its own error, leaves `omit` lines that it "
        "did take out of the answer",
        "duplicate": "says one line twice",
        "contradict": "says one line twice, the second time as refused",
        "unknown_person": "adds a line about somebody who was not sent",
        "other_order": "answers the lines in reverse order",
        "wrong_amount": "echoes `by` kuruş more (default 1)",
        "wrong_policy": "answers with policy numbers of others",
        "wrong_reference": "echoes another reference",
        "no_reference": "leaves the reference empty",
        "wrong_contract": "answers about another contract",
        "unknown_status": "uses the status `word` (default YENIDURUM)",
        "unknown_code": "refuses every line with a code nobody knows",
        "stale": "repeats its previous answer to the same operation",
        "wrong_password": "treats the credentials as wrong, counting towards the lock",
        "html_error": "does the work, then answers an HTML page with `status` (default 502)",
        "server_error": "does the work, then answers `status` (default 503) without a body",
        "empty": "does the work, then answers `status` (default 202) without a body",
        "garbage": "does the work, then answers bytes that are not XML",
        "truncated": "does the work, then sends half of the answer",
        "doctype": "does the work, then answers with a document type declaration",
        "two_bodies": "does the work, then answers with two bodies",
        "comment": "splits every value with a comment, which is legal",
        "multipart": "does the work, then answers as multipart/related",
        "oversized": "does the work, then answers six megabytes",
        "bomb": "does the work, then answers a compressed gigabyte",
        "new_field": "does the work, then answers with an element its WSDL does not know",
        "redirect": "does the work, then sends the caller elsewhere",
        "cookie": "answers well and sets a cookie",
    }
)
"""Every misbehaviour by its name."""

COMMANDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "kind": "queue one misbehaviour (see `kinds`)",
        "next": "queue a list of misbehaviours",
        "clear": "true: forget queued misbehaviour",
        "down": "{hours|minutes|seconds|until, mode: refuse|unavailable}: not reachable, "
        "or answering 503, until then",
        "up": "true: reachable again",
        "policy_delay_seconds": "how long policy numbers and processed collections take",
        "reject": "{national_id, reason}: refuse this person from now on",
        "accept": "{national_id}: no longer refuse this person",
        "opt_out": "{national_id, on}: cayma", "leave": "{national_id, on}: ayrılma",
        "suspend": "{national_id, on}: ara verme", "resume": "{national_id, on}: active again",
        "account": "{username, password}: this user has exactly this password",
        "unlock": "username: forget wrong tries",
        "contract": "{no, state: unknown|closed|open}",
        "period": "{period, state: closed|open}",
        "typed_in": "{contract_no, national_id} or with {policy_no, period, paid_on, amount}: "
        "entered on the insurer's own screens",
    }
)  # fmt: skip
"""Everything a script may contain."""

_OPERATIONS: Final = ("login", "check", "enrol", "collect", "query", "members", "any")
_PARAMETERS: Final = frozenset(
    {"kind", "operation", "times", "seconds", "reason", "reject", "omit", "by", "word", "status"}
)


class Queue:
    """Misbehaviour waiting for its call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Behaviour] = []

    def add(self, behaviour: Mapping[str, Any]) -> None:
        """Queue one.

        Raises: ValueError for a kind, operation or parameter nobody knows.
        """
        kind = behaviour.get("kind")
        if kind not in KINDS:
            raise ValueError(f"no such behaviour: {kind}; there are {', '.join(sorted(KINDS))}")
        operation = behaviour.get("operation", "any")
        if operation not in _OPERATIONS:
            raise ValueError(f"no such operation: {operation}; there are {', '.join(_OPERATIONS)}")
        unknown = set(behaviour) - _PARAMETERS
        if unknown:
            raise ValueError(f"no such parameter: {', '.join(sorted(unknown))}")
        with self._lock:
            self._waiting.append(
                {"times": 1, **behaviour, "operation": operation},
            )

    def take(self, operation: Operation) -> Behaviour | None:
        """The first that waits for this operation; ``times`` of -1 never ends.

        Without an operation of its own a behaviour waits for enrolments, collections and
        questions about them, because a log-in in between is not what anybody means to break.
        """
        with self._lock:
            for index, waiting in enumerate(self._waiting):
                wanted = waiting["operation"]
                anything = wanted == "any" and operation not in ("login", "check")
                if wanted != operation and not anything:
                    continue
                taken = dict(waiting)
                if waiting["times"] > 0:
                    waiting["times"] -= 1
                if waiting["times"] == 0:
                    del self._waiting[index]
                return taken
            return None

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._waiting.clear()

    def waiting(self) -> list[Behaviour]:
        """What waits, in order."""
        with self._lock:
            return [dict(each) for each in self._waiting]
