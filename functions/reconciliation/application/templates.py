"""Letter texts: drafted, and released by the company before anything is sent with them."""

from collections.abc import Callable
from dataclasses import replace

from kernel.errors import ConflictError
from kernel.storing import WriteRefusedError
from reconciliation.application.context import Scope
from reconciliation.domain.letter_template import (
    LetterTemplate,
    LetterText,
    TemplateState,
    approved,
    check_text,
)


class DraftTemplate:
    """Write the next version of the letter text of a language; a draft is changed in place.

    Raises: ValidationError with everything that is wrong; ConflictError("conflict").
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, language: str, text: LetterText) -> LetterTemplate:
        check_text(text)
        store = self._scope.store
        versions = [one for one in store.templates() if one.language == language]
        latest = max(versions, key=lambda one: one.version, default=None)
        unit = store.unit()
        if latest is not None and latest.state is TemplateState.DRAFT:
            saved = replace(latest, text=text)
            unit.save_template(latest, saved, "letter_template.changed")
        else:
            saved = LetterTemplate(language, latest.version + 1 if latest else 1, text)
            unit.add_template(saved)
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


def _commit(commit: Callable[[], None]) -> None:
    try:
        commit()
    except WriteRefusedError as error:
        raise ConflictError("conflict", "Somebody else wrote this text just now.") from error
