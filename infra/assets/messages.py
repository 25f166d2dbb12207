"""Keeps the message catalogues: ``python -m infra.assets.messages update|compile|check [PKG…]``.

``update`` reads every English text of a package's templates and Python files and merges it into
``locale/<lang>/messages.po``; ``compile`` writes the committed ``messages.mo`` beside it; ``check``
says what is missing, fuzzy, out of date or has other placeholders than the English text. Files are
written without dates and line numbers, so that they only change when a text does.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT: Final = Path(__file__).resolve().parent.parent.parent
WEBKIT: Final = ROOT / "layers" / "common" / "webkit"
LANGUAGES: Final = ("tr", "el", "en")
SOURCE_LANGUAGE: Final = "en"
WHY: Final = "why"
"""Message context of the sentences behind ``kernel.why.Why`` keys."""

_KEYWORDS: Final = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    # ours: constants, and texts built in Python through webkit.i18n.Language
    "mark": None,
    "text": None,
    "plural": (1, 2),
}
_PLACEHOLDER: Final = re.compile(r"%\((\w+)\)s")
_WHEN: Final = datetime(2026, 1, 1, tzinfo=UTC)
_SOURCES: Final = ("*.html", "*.txt", "*.py")
_NAME: Final = re.compile(r"[A-Za-z0-9]+(_[A-Za-z0-9]+)+")
"""A setting or member (``KOPRU_BASE_URL``, ``job_id``): ``text`` reads those elsewhere."""

Key = tuple[str | None, str | tuple[str, ...]]


def locale_folder(package: Path) -> Path:
    """Where a package keeps its catalogues: ``pages/locale`` in a context, ``locale`` in webkit."""
    pages = package / "pages"
    return (pages if pages.is_dir() else package) / "locale"


def packages(root: Path = ROOT) -> list[Path]:
    """webkit and every context that has catalogues."""
    found = [path.parent.parent for path in sorted(root.glob("functions/*/pages/locale"))]
    return [WEBKIT, *found]


def extract(package: Path) -> Catalog:
    """The English texts of a package, and the keys of its reasons under the context ``why``."""
    catalog = Catalog(charset="utf-8")
    for path in _sources(package):
        place = [(str(path.relative_to(package)), 1)]
        if path.suffix == ".py":
            method, options = "python", {}
            for key in _why_keys(path):
                catalog.add(key, context=WHY, locations=place)
        else:
            method, options = "jinja2.ext:babel_extract", {"trimmed": "true"}
        for _, message, comments, context in extract_from_file(
            method, str(path), keywords=_KEYWORDS, comment_tags=("l10n:",), options=options
        ):
            if isinstance(message, str) and _NAME.fullmatch(message):
                continue
            catalog.add(message, context=context, locations=place, auto_comments=comments)
    return catalog


def read(path: Path, language: str) -> Catalog:
    """A catalogue file, or an empty catalogue where there is none yet."""
    if not path.is_file():
        return Catalog(locale=language, charset="utf-8")
    with path.open("rb") as stream:
        return read_po(stream, locale=language)


def merged(package: Path, language: str) -> Catalog:
    """The catalogue as it should be: every text of the package, known translations kept.

    Shapes: texts that webkit already translates are left out of a context's catalogue; English
    holds only sentences named by key, because elsewhere the English text is the key.
    """
    old = read(locale_folder(package) / language / "messages.po", language)
    new = Catalog(
        locale=language,
        charset="utf-8",
        project="kopru",
        version="1",
        creation_date=_WHEN,
        revision_date=_WHEN,
        fuzzy=False,
        header_comment="# Köprü, message catalogue. Written by infra/assets/messages.py.",
    )
    shared = _translated(read(locale_folder(WEBKIT) / language / "messages.po", language))
    is_shared = package.resolve() == WEBKIT.resolve()
    wanted = {_key(message): message for message in extract(package) if message.id}
    # Sentences named by a key that is put together at run time cannot be found in the sources.
    for message in old:
        if message.id and message.context is not None and _key(message) not in wanted:
            wanted[_key(message)] = message
    for key, message in wanted.items():
        if language == SOURCE_LANGUAGE and message.context is None:
            continue
        known = old.get(message.id, message.context)
        if not is_shared and key in shared and not (known and known.string):
            continue
        new.add(
            message.id,
            known.string if known else None,
            context=message.context,
            locations=[(name, 1) for name in sorted({name for name, _ in message.locations})],
            auto_comments=message.auto_comments,
            user_comments=known.user_comments if known else (),
            flags=message.flags,
        )
    return new


def po_bytes(catalog: Catalog) -> bytes:
    """A catalogue as text, sorted, without line numbers."""
    buffer = io.BytesIO()
    write_po(buffer, catalog, width=100, sort_output=True, include_lineno=False)
    return buffer.getvalue()


def mo_bytes(path: Path, language: str) -> bytes:
    """The compiled form of a catalogue file."""
    buffer = io.BytesIO()
    write_mo(buffer, read(path, language))
    return buffer.getvalue()


def problems(package: Path, language: str) -> Iterator[str]:
    """What is wrong with one catalogue, one line each; nothing when it is complete and current."""
    folder = locale_folder(package) / language
    path = folder / "messages.po"
    current = read(path, language)
    name = f"{package.name}/{language}"
    for message in merged(package, language):
        if not message.id:
            continue
        known = current.get(message.id, message.context)
        label = f"{message.context}: {message.id}" if message.context else str(message.id)
        if known is None or not _complete(known):
            yield f"{name}: not translated: {label}"
        elif known.fuzzy:
            yield f"{name}: fuzzy: {label}"
        elif message.context is None and _placeholders(known.id) != _placeholders(known.string):
            yield f"{name}: other placeholders than the English text: {label}"
    compiled = folder / "messages.mo"
    if path.is_file() and (
        not compiled.is_file() or compiled.read_bytes() != mo_bytes(path, language)
    ):
        yield f"{name}: messages.mo is not the compiled messages.po"


def _sources(package: Path) -> list[Path]:
    return sorted(
        path
        for pattern in _SOURCES
        for path in package.rglob(pattern)
        if "locale" not in path.parts and path.name != "requirements.txt"
    )


def _why_keys(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        called = node.func.id if isinstance(node.func, ast.Name) else ""
        first = node.args[0]
        if called == "Why" and isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value


def _key(message: Message) -> Key:
    return message.context, message.id if isinstance(message.id, str) else tuple(message.id)


def _translated(catalog: Catalog) -> set[Key]:
    return {_key(message) for message in catalog if message.id and _complete(message)}


def _complete(message: Message) -> bool:
    texts = _texts(message.string)
    return bool(texts) and all(texts)


def _placeholders(text: str | Iterable[str] | None) -> set[str]:
    return set(_PLACEHOLDER.findall("\n".join(_texts(text))))


def _texts(text: str | Iterable[str] | None) -> list[str]:
    if text is None:
        return []
    return [text] if isinstance(text, str) else list(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command over the named packages, or over all that have catalogues."""
    parser = argparse.ArgumentParser(description="Keep the message catalogues.")
    parser.add_argument("command", choices=("update", "compile", "check"))
    parser.add_argument("packages", nargs="*", type=Path, help="functions/<context> or webkit")
    options = parser.parse_args(arguments)
    failures = 0
    for package in [path.resolve() for path in options.packages] or packages():
        if package.name == "pages":
            package = package.parent
        for language in LANGUAGES:
            path = locale_folder(package) / language / "messages.po"
            if options.command == "update":
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(po_bytes(merged(package, language)))
            elif options.command == "compile":
                path.with_suffix(".mo").write_bytes(mo_bytes(path, language))
            else:
                for problem in problems(package, language):
                    sys.stderr.write(problem + "\n")
                    failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
