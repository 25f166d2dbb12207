"""Words of this context: problems, and the reasons of decisions in three languages."""

from collections.abc import Iterable
from typing import Any, Final

from kernel.errors import KopruError
from kernel.why import Why
from webkit.i18n import choose_language
from workflow.bootstrap import application
from workflow.schemas import plain_numbers, why_out

LANGUAGES: Final = ("tr", "el", "en")


def problem_text(error: KopruError, language: str) -> str:
    """The sentence of a problem in the reader's language; the English message if none is known."""
    words = application().renderer.language(choose_language(accept_language=language))
    return words.problem(error.code) if words.knows("problem", error.code) else error.message


def reasons(whys: Iterable[Why]) -> list[dict[str, Any]]:
    """Reasons with their sentences in every language; a row's own words are data of its table."""
    words = {language: application().renderer.language(language) for language in LANGUAGES}
    shown = []
    for why in whys:
        params = plain_numbers(why.params)
        texts = {
            language: spoken.why(Why(why.key, _spoken(params, language)))
            for language, spoken in words.items()
        }
        shown.append(why_out(Why(why.key, params), texts))
    return shown


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
