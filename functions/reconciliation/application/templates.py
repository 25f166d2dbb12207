"""Letter texts: drafted, and released by the company before anything is sent with them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from kernel.errors import ConflictError, Problem
from kernel.storing import WriteRefusedError
from reconciliation.application.context import Scope
from reconciliation.domain.letter_template import (
    LetterTemplate,
    LetterText,
    TemplateState,
    approved,
    check_text,
    latest_by_language,
    problems_of,
)
from reconciliation.ports import ReconciliationUnit


class DraftTemplate:
    """Write the next version of the letter text of a language; a draft is changed in place.

    Raises: ValidationError with everything that is wrong; ConflictError("conflict").
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, language: str, text: LetterText) -> LetterTemplate:
        check_text(text)
        store = self._scope.store
        unit = store.unit()
        saved = _draft(unit, latest_by_language(store.templates()).get(language), language, text)
        _commit(unit.commit)
        return store.template(saved.id)


class ApproveTemplate:
    """Release a version; letters made from now on use it.

    Raises: NotFoundError; ConflictError("template_approved" | "conflict"); ValidationError.
    """

    def __init__(self, scope: Scope, actor: str) -> None:
        self._scope = scope
        self._actor = actor

    def __call__(self, template_id: str) -> LetterTemplate:
        store = self._scope.store
        before = store.template(template_id)
        after = approved(before, self._actor, self._scope.clock.now().isoformat())
        unit = store.unit()
        unit.save_template(before, after, "letter_template.approved")
        _commit(unit.commit)
        return store.template(template_id)


def draft_changed(
    unit: ReconciliationUnit, known: Sequence[LetterTemplate], texts: Mapping[str, LetterText]
) -> None:
    """Draft, together with what else ``unit`` writes, the texts that differ from the newest."""
    newest = latest_by_language(known)
    for language, text in texts.items():
        latest = newest.get(language)
        if latest is None or latest.text != text:
            _draft(unit, latest, language, text)


def problems_by_language(texts: Mapping[str, LetterText]) -> list[Problem]:
    """Everything that is wrong with texts, under ``/letter_templates/{language}``."""
    return [
        problem.under(f"/letter_templates/{language}")
        for language, text in texts.items()
        for problem in problems_of(text)
    ]


def _draft(
    unit: ReconciliationUnit, latest: LetterTemplate | None, language: str, text: LetterText
) -> LetterTemplate:
    if latest is not None and latest.state is TemplateState.DRAFT:
        saved = replace(latest, text=text)
        unit.save_template(latest, saved, "letter_template.changed")
        return saved
    saved = LetterTemplate(language, latest.version + 1 if latest else 1, text)
    unit.add_template(saved)
    return saved


def _commit(commit: Callable[[], None]) -> None:
    try:
        commit()
    except WriteRefusedError as error:
        raise ConflictError("conflict", "Somebody else wrote this text just now.") from error
