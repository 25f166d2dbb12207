"""Every text of every package is translated, compiled and keeps its placeholders."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.assets import messages

_CASES = [(package, code) for package in messages.packages() for code in messages.LANGUAGES]


@pytest.mark.parametrize(
    ("package", "language"), _CASES, ids=[f"{package.name}-{code}" for package, code in _CASES]
)
def test_catalogue_is_complete_and_compiled(package: Path, language: str) -> None:
    assert list(messages.problems(package, language)) == []


@pytest.mark.parametrize("language", ["tr", "el"])
def test_translations_are_not_copies_of_the_english_text(language: str) -> None:
    catalog = messages.read(
        messages.locale_folder(messages.WEBKIT) / language / "messages.po", language
    )
    copies = {
        message.id
        for message in catalog
        if isinstance(message.id, str) and message.id == message.string
    }
    assert copies - {"", "Form"} == set()


class Package:
    """A small package in a temporary folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "templates").mkdir()
        self.write('{{ _("Nobody translates %(name)s", name=name) }}')

    def write(self, template: str, python: str = "") -> None:
        (self.folder / "templates" / "page.html").write_text(template, encoding="utf-8")
        (self.folder / "words.py").write_text(python, encoding="utf-8")

    def translate(self, text: str) -> None:
        path = self.folder / "locale" / "tr" / "messages.po"
        path.parent.mkdir(parents=True, exist_ok=True)
        catalog = messages.merged(self.folder, "tr")
        for message in catalog:
            if message.id:
                message.string = text
        path.write_bytes(messages.po_bytes(catalog))
        path.with_suffix(".mo").write_bytes(messages.mo_bytes(path, "tr"))

    def problems(self) -> list[str]:
        return list(messages.problems(self.folder, "tr"))


@pytest.fixture
def package(tmp_path: Path) -> Package:
    return Package(tmp_path)


def test_a_missing_translation_is_found(package: Package) -> None:
    (problem,) = package.problems()
    assert "not translated: Nobody translates" in problem


def test_a_lost_placeholder_is_found(package: Package) -> None:
    package.translate("Kimse çevirmiyor")
    (problem,) = package.problems()
    assert "other placeholders" in problem


def test_a_stale_compiled_file_is_found(package: Package) -> None:
    package.translate("%(name)s çevrilmedi")
    assert package.problems() == []
    (package.folder / "locale" / "tr" / "messages.mo").write_bytes(b"")
    (problem,) = package.problems()
    assert "messages.mo" in problem


def test_constants_and_reasons_in_python_are_read_too(package: Package) -> None:
    package.write("", 'A = mark("Waits")\nB = Why("pensions.why.deadline", {"day": 1})\n')
    found = {
        (message.context, message.id) for message in messages.extract(package.folder) if message.id
    }
    assert found == {(None, "Waits"), ("why", "pensions.why.deadline")}


def test_words_of_webkit_are_not_translated_twice(package: Package) -> None:
    package.write('{{ _("Save") }}')
    assert package.problems() == []
    assert [message.id for message in messages.merged(package.folder, "tr") if message.id] == []


def test_updating_keeps_translations_and_changes_nothing_twice(package: Package) -> None:
    package.translate("%(name)s çevrilmedi")
    path = package.folder / "locale" / "tr" / "messages.po"
    assert messages.po_bytes(messages.merged(package.folder, "tr")) == path.read_bytes()
