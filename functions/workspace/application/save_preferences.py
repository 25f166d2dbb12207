"""Language and look of the pages, as one person likes them."""

from dataclasses import dataclass, replace

from workspace.domain.tenant import check_language
from workspace.domain.user import Person, check_theme
from workspace.ports import SystemStore


@dataclass(frozen=True, slots=True)
class SavePreferences:
    """Changes language, theme or both."""

    store: SystemStore

    def __call__(
        self, person_id: str, *, language: str | None = None, theme: str | None = None
    ) -> Person:
        """Raises: ValidationError; ConflictError when the person was changed at the same moment."""
        person = self.store.person(person_id)
        after = replace(
            person,
            language=person.language if language is None else check_language(language),
            theme=person.theme if theme is None else check_theme(theme),
        )
        if after == person:
            return person
        unit = self.store.unit(f"user:{person_id}")
        saved = unit.save_person(person, after, "person.preferences_changed")
        unit.commit()
        return saved
