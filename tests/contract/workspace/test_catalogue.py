"""The words of the workspace cover what all contexts say: actions, attention, incidents, jobs.

The consumer's side of the shared history rows: a context that writes a new action without words
for it fails here, not on somebody's screen.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

from infra.assets.messages import read
from pensions.domain.contribution import ContributionStatus
from pensions.domain.employee import EmployeeStatus
from pensions.domain.outcome import Incident
from pensions.domain.transmission import TransmissionState
from toolkit.auth import ROLE_PERMISSIONS
from toolkit.aws.history import SUBJECT_CONTEXTS
from webkit.i18n import Catalogues, Language
from workspace.domain.message import MessageKind, MessageState

ROOT = Path(__file__).parents[3]
LOCALE = ROOT / "functions" / "workspace" / "pages" / "locale"
_ACTION = re.compile(r"([a-z_]+)\.[a-z_]+")
# Parameters of rules about approvals, and the name of a file.
_NO_ACTIONS = {
    *(
        f"approval.{name}"
        for name in (
            *("apart", "candidates", "clock", "collapse_duplicates", "escalate_to", "mode"),
            *("escalation_replaces", "expiry_hours", "info_stops_clock", "needed", "on_expiry"),
            *("reauthenticate", "reject_policy", "reminder_hours", "signature", "sla_hours"),
            "revocation_required",
        )
    ),
    "letter.pdf",
}
_STATES = {
    "employee": EmployeeStatus,
    "contribution": ContributionStatus,
    "transmission": TransmissionState,
}


def _texts() -> Iterator[str]:
    for folder in ("application", "adapters"):
        for path in sorted(ROOT.glob(f"functions/*/{folder}/**/*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def _actions() -> set[str]:
    kinds = {*SUBJECT_CONTEXTS, "person"}
    found = set()
    for text in _texts():
        match = _ACTION.fullmatch(text)
        if match and match[1] in kinds and text not in _NO_ACTIONS:
            found.add(text)
    return found


@dataclass(frozen=True)
class Words:
    """The workspace's catalogue in one language."""

    catalogue: Catalog

    def knows(self, context: str, key: str) -> bool:
        """Whether there is a sentence (in English it may be the key itself)."""
        entry = self.catalogue.get(key, context)
        return entry is not None and bool(entry.string)


@pytest.fixture(params=["tr", "el", "en"])
def words(request: pytest.FixtureRequest) -> Words:
    """The words of one language."""
    path = LOCALE / request.param / "messages.po"
    return Words(read(path, request.param))


def test_every_action_written_anywhere_has_a_sentence(words: Words) -> None:
    actions = _actions()
    assert len(actions) > 40
    assert [action for action in sorted(actions) if not words.knows("action", action)] == []


def test_every_state_an_action_is_named_after_has_words(words: Words) -> None:
    missing = [
        (kind, state.value)
        for kind, states in _STATES.items()
        for state in states
        if not words.knows("state", state.value)
    ]
    missing += [
        ("message", state.value) for state in MessageState if not words.knows("state", state.value)
    ]
    assert missing == []


def test_roles_kinds_incidents_and_mails_have_names(words: Words) -> None:
    wanted = [("role", code) for code in ROLE_PERMISSIONS]
    wanted += [("subject", kind) for kind in SUBJECT_CONTEXTS]
    wanted += [("incident", kind.value.lower()) for kind in Incident]
    wanted += [("message", kind.value) for kind in MessageKind]
    assert [each for each in wanted if not words.knows(*each)] == []


def test_no_language_falls_back_to_another() -> None:
    languages = {code: Language(code, Catalogues((LOCALE,))) for code in ("tr", "el", "en")}
    for action in sorted(_actions()):
        told = {code: one.texts.pgettext("action", action) for code, one in languages.items()}
        assert len(set(told.values())) == 3, told
