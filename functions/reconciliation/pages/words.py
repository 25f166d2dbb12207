"""Words of this context: the reader's language, explanations, problems, headers of exports."""

from typing import Final

from kernel.errors import KopruError
from reconciliation.bootstrap import application
from toolkit.entrypoints import Request
from webkit.i18n import Language, choose_language, mark
from webkit.render import Renderer

FIGURES_HEADER: Final = (
    mark("Code"),
    mark("Title"),
    mark("Tax or identity number"),
    mark("Documents on the form"),
    mark("Amount on the form"),
    mark("Documents the form can list"),
    mark("Their amount without VAT"),
    mark("All documents"),
    mark("Amount of all without VAT"),
    mark("On the form"),
    mark("Why"),
)


def renderer() -> Renderer:
    """Words of this context."""
    return application().renderer


def language_of(request: Request) -> str:
    """The language an answer is written in."""
    return choose_language(
        user=request.principal.language or request.query.get("lang"),
        accept_language=request.headers.get("accept-language"),
    )


def words_of(request: Request) -> Language:
    """Messages and formats of the reader's language."""
    return renderer().language(language_of(request))


def problem_text(error: KopruError, language: str) -> str:
    """The sentence of a problem in the reader's language; the English message if none is known."""
    words = renderer().language(choose_language(accept_language=language))
    return words.problem(error.code) if words.knows("problem", error.code) else error.message
