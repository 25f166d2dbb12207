"""Words of this context outside of templates: renderer, reader, explanations, problem pages."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from kernel.errors import KopruError
from kernel.why import Why
from pensions.domain.contract import ContractState, CredentialsState
from pensions.domain.contribution import ContributionStatus
from pensions.domain.employee import EmployeeStatus
from pensions.domain.error_dictionary import DICTIONARY
from pensions.domain.error_dictionary import explain as entry_of
from pensions.domain.provider import Language
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit import i18n
from webkit.components import Status, Tone
from webkit.i18n import choose_language
from webkit.reader import language_of, reply, view_of
from webkit.render import Renderer

_E = EmployeeStatus
EMPLOYEE_TONES: Final[Mapping[EmployeeStatus, Tone]] = {
    _E.DRAFT: Tone.NEUTRAL,
    _E.INVALID: Tone.WARNING,
    _E.READY: Tone.INFO,
    _E.SENDING: Tone.WAITING,
    _E.UNKNOWN: Tone.UNKNOWN,
    _E.ENROLLED: Tone.OK,
    _E.REJECTED: Tone.ERROR,
    _E.OPTED_OUT: Tone.NEUTRAL,
    _E.LEFT: Tone.NEUTRAL,
    _E.HELD: Tone.WARNING,
    _E.DONE_ELSEWHERE: Tone.INFO,
    _E.CANCELLED: Tone.NEUTRAL,
}
_C = ContributionStatus
CONTRIBUTION_TONES: Final[Mapping[ContributionStatus, Tone]] = {
    _C.CALCULATED: Tone.INFO,
    _C.EXCLUDED: Tone.NEUTRAL,
    _C.SENDING: Tone.WAITING,
    _C.UNKNOWN: Tone.UNKNOWN,
    _C.ACCEPTED: Tone.OK,
    _C.REJECTED: Tone.ERROR,
    _C.SETTLED: Tone.OK,
    _C.CANCELLED: Tone.NEUTRAL,
}
CONTRACT_TONES: Final[Mapping[ContractState, Tone]] = {
    ContractState.INCOMPLETE: Tone.WARNING,
    ContractState.CREDENTIALS_MISSING: Tone.WARNING,
    ContractState.READY: Tone.OK,
    ContractState.CREDENTIALS_INVALID: Tone.ERROR,
    ContractState.EXPIRED: Tone.NEUTRAL,
}
CREDENTIALS_TONES: Final[Mapping[CredentialsState, Tone]] = {
    CredentialsState.MISSING: Tone.WARNING,
    CredentialsState.UNTESTED: Tone.INFO,
    CredentialsState.VALID: Tone.OK,
    CredentialsState.INVALID: Tone.ERROR,
}
JOB_TONES: Final[Mapping[str, Tone]] = {
    "queued": Tone.WAITING,
    "running": Tone.INFO,
    "succeeded": Tone.OK,
    "partially_succeeded": Tone.WARNING,
    "failed": Tone.ERROR,
    "cancelled": Tone.NEUTRAL,
}
OUTCOME_TONES: Final[Mapping[str, Tone]] = {
    "accepted": Tone.OK,
    "processing": Tone.WAITING,
    "pending": Tone.WAITING,
    "rejected": Tone.ERROR,
    "held": Tone.WARNING,
    "unknown": Tone.UNKNOWN,
}
# How the end of an action's name feels, for the icon of a history.
_ACTION_TONES: Final[Mapping[str, Tone]] = {
    "enrolled": Tone.OK,
    "accepted": Tone.OK,
    "settled": Tone.OK,
    "rejected": Tone.ERROR,
    "credentials_refused": Tone.ERROR,
    "held": Tone.WARNING,
    "unknown": Tone.UNKNOWN,
    "sending": Tone.WAITING,
}


@cache
def renderer() -> Renderer:
    """The page renderer of this context, built at its first use."""
    return Renderer.for_pages(Path(__file__).parent)


def words_of(request: Request) -> i18n.Language:
    """Messages and formats of the reader's language."""
    return renderer().language(language_of(request))


def reading_language(language: str) -> Language:
    """The same as one of the three languages our dictionaries know."""
    return "tr" if language == "tr" else "el" if language == "el" else "en"


def explain(reasons: Iterable[Why], language: str) -> list[str]:
    """The sentences behind a computed date or amount, in the reader's language."""
    words = renderer().language(language)
    return [words.why(reason) for reason in reasons]


def problem_text(error: KopruError, language: str) -> str:
    """The sentence of a problem in the reader's language; the English message if none is known."""
    words = renderer().language(choose_language(accept_language=language))
    return words.problem(error.code) if words.knows("problem", error.code) else error.message


class Say:
    """The words of this context in one language, as templates and routes use them."""

    def __init__(self, words: i18n.Language) -> None:
        self.words = words
        self._language = reading_language(words.code)

    def _key(self, context: str, key: str, **params: object) -> str:
        if self.words.knows(context, key):
            return self.words.sentence(context, key, params)
        return key.replace("_", " ")

    def employee(self, status: EmployeeStatus) -> Status:
        """Where a person stands."""
        return Status(self._key("employee", status.value), EMPLOYEE_TONES[status])

    def contribution(self, status: ContributionStatus) -> Status:
        """Where a contribution stands."""
        return Status(self._key("contribution", status.value), CONTRIBUTION_TONES[status])

    def contract(self, state: ContractState) -> Status:
        """What a contract can do."""
        return Status(self._key("contract", state.value), CONTRACT_TONES[state])

    def credentials(self, state: CredentialsState) -> Status:
        """What is known about credentials."""
        return Status(self._key("credentials", state.value), CREDENTIALS_TONES[state])

    def job(self, status: str) -> Status:
        """How a job is doing."""
        return Status(self._key("job_status", status), JOB_TONES.get(status, Tone.NEUTRAL))

    def job_name(self, kind: str) -> str:
        """What a job does."""
        return self._key("job", kind)

    def outcome(self, name: str) -> str:
        """What became of rows or people of a job."""
        return self._key("outcome", name)

    def outcome_tone(self, name: str) -> str:
        """The tone of an outcome's tile."""
        return OUTCOME_TONES.get(name, Tone.NEUTRAL).value

    def field(self, name: str) -> str:
        """A field of a form as people call it."""
        return self._key("field", name) if name else ""

    def actor(self, name: str) -> str:
        """Who must act."""
        return self._key("actor", name)

    def delivery(self, way: str) -> str:
        """How credentials reach their owner."""
        return self._key("delivery", way)

    def capability(self, name: str) -> str:
        """What a web service offers."""
        return self._key("capability", name)

    def transmission(self, state: str) -> str:
        """Where one call to an insurer stands."""
        return self._key("transmission", state)

    def kind(self, name: str) -> str:
        """What a call carries."""
        return self._key("kind", name)

    def todo(self, code: str) -> str:
        """One thing that is not done."""
        return self._key("todo", code)

    def gap(self, reason: str) -> str:
        """Why an amount is not payable."""
        if self.words.knows("gap", reason):
            return self.words.sentence("gap", reason)
        return self.meaning(reason)

    def problem(self, code: str, message: str = "") -> str:
        """What is wrong, in a sentence: of our own checks, else of the insurers' dictionary."""
        if self.words.knows("problem", code):
            return self.words.problem(code)
        return self.meaning(code) if code in DICTIONARY or not message else message

    def meaning(self, code: str) -> str:
        """What a code of the insurers' dictionary means."""
        return entry_of(code).meaning.text(self._language)

    def remedy(self, code: str) -> str:
        """What to do about it."""
        return entry_of(code).action.text(self._language)

    def reason(self, code: str) -> str:
        """Why a person or row stands as it does; empty without a known reason."""
        for context in ("gap", "problem"):
            if self.words.knows(context, code):
                return self.words.sentence(context, code)
        return self.meaning(code) if code in DICTIONARY else ""

    def action(self, action: str) -> str:
        """One line of history."""
        return self._key("action", action)

    def at(self, text: str) -> datetime | None:
        """A stored instant for the formats of the reader."""
        return datetime.fromisoformat(text) if text else None


def action_tone(action: str) -> Tone:
    """How an action looks in a history."""
    return _ACTION_TONES.get(action.rpartition(".")[2], Tone.NEUTRAL)


# ---------------------------------------------------------------------------- pages


def error_page(app: HttpApp, request: Request, status: int, body: Mapping[str, Any]) -> Reply:
    """A problem in words."""
    view = view_of(app, request)
    detail, trace_id = str(body.get("detail", "")), str(body.get("trace_id", ""))
    return reply(renderer().error(view, status, detail=detail or None, trace_id=trace_id))
