"""Words of this context outside of templates: renderer, reader, states, problems, reasons.

States and labels of rules stand in ``rule_words``; those of other parts stand in modules of their
own.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from kernel.errors import KopruError
from kernel.why import Why
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.i18n import Language, choose_language
from webkit.reader import language_of, reply, view_of
from webkit.render import Renderer
from workflow.bootstrap import application
from workflow.domain.processes.words import Words
from workflow.schemas import plain_numbers, why_out

LANGUAGES: Final = ("tr", "el", "en")


def renderer() -> Renderer:
    """The page renderer of this context."""
    return application().renderer


def words_of(request: Request) -> Language:
    """Messages and formats of the reader's language."""
    return renderer().language(language_of(request))


def problem_text(error: KopruError, language: str) -> str:
    """The sentence of a problem in the reader's language; the English message if none is known."""
    words = renderer().language(choose_language(accept_language=language))
    return words.problem(error.code) if words.knows("problem", error.code) else error.message


class Say:
    """The words every page of this context needs, in one language."""

    def __init__(self, words: Language) -> None:
        self.words = words

    def of(self, words: Words) -> str:
        """A definition's own words in the reader's language."""
        return words.get(self.words.code) or words.get("en") or ""

    def at(self, text: str) -> datetime | None:
        """A stored instant for the formats of the reader."""
        return datetime.fromisoformat(text) if text else None

    def problem(self, code: str, message: str) -> str:
        """What is wrong with a field."""
        return self.words.problem(code) if self.words.knows("problem", code) else message

    def why(self, why: Why) -> str:
        """A reason as a sentence."""
        params = plain_numbers(why.params)
        return self.words.why(Why(why.key, _spoken(params, self.words.code)))


def error_page(app: HttpApp, request: Request, status: int, body: Mapping[str, Any]) -> Reply:
    """A problem in words."""
    detail, trace_id = str(body.get("detail", "")), str(body.get("trace_id", ""))
    view = view_of(app, request)
    return reply(renderer().error(view, status, detail=detail or None, trace_id=trace_id))


def reasons(whys: Iterable[Why]) -> list[dict[str, Any]]:
    """Reasons with their sentences in every language; a row's own words are data of its table."""
    spoken = {language: Say(renderer().language(language)) for language in LANGUAGES}
    return [
        why_out(
            Why(why.key, plain_numbers(why.params)),
            {language: say.why(why) for language, say in spoken.items()},
        )
        for why in whys
    ]


def _spoken(params: dict[str, Any], language: str) -> dict[str, Any]:
    """Values as the sentence takes them: the row's own words in this language or in any."""
    said = {name: _text(value) for name, value in params.items()}
    for other in (language, "en", "tr", "el"):
        if said.get(f"reason_{other}"):
            return {**said, "reason": said[f"reason_{other}"]}
    return said


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(str(_text(member)) for member in value)
    return "null" if value is None else str(value)
