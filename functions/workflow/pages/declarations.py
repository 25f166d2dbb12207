"""Declarations of facts as rows of a form: shared by tables of rules and by processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from webkit.components import Option
from webkit.i18n import Language, mark
from workflow.domain.rules.facts import FactType
from workflow.pages.document_forms import FLAG, NAMES, WHOLE, Codec, Place

KIND: Final[Mapping[FactType, str]] = {
    FactType.MONEY: mark("amount"),
    FactType.DECIMAL: mark("decimal number"),
    FactType.NUMBER: mark("number"),
    FactType.INT: mark("whole number"),
    FactType.DATE: mark("date"),
    FactType.DATETIME: mark("date and time"),
    FactType.BOOL: mark("yes or no"),
    FactType.ENUM: mark("choice"),
    FactType.TEXT: mark("text"),
    FactType.LIST: mark("list"),
    FactType.ANY: mark("anything"),
}


def _item(said: Any) -> str:
    """One part of a list in compact words: ``text``, ``enum(A|B)``, ``money?``."""
    if not isinstance(said, Mapping):
        return str(said)
    inner = f"({'|'.join(said['values'])})" if said.get("values") else ""
    return f"{said.get('type', '')}{inner}{'?' if said.get('nullable') else ''}"


def _items(value: Any) -> str:
    parts = value if isinstance(value, list) else [value]
    return ", ".join(map(_item, parts)) if value else ""


ITEMS: Final = Codec(_items, NAMES.read)


def kinds(words: Language, *, untyped: bool = False) -> list[Option]:
    """What a fact may be, for a choice."""
    return [
        Option(kind.value, words.text(text))
        for kind, text in KIND.items()
        if untyped or kind is not FactType.ANY
    ]


def places(
    words: Language, *, bounds: bool = True, scale: bool = False, untyped: bool = False
) -> list[Place]:
    """The controls of one declaration."""
    found = [
        Place("name", words.text("Short name")),
        Place("type", words.text("Kind"), "choice", options=kinds(words, untyped=untyped)),
        Place("values", words.text("Choices, with commas"), codec=NAMES),
        Place("items", words.text("Parts of a list"), codec=ITEMS),
    ]
    if bounds:
        found += [
            Place("domain-0", words.text("At least")),
            Place("domain-1", words.text("At most")),
        ]
    if scale:
        found.append(Place("scale", words.text("Decimals"), "number", WHOLE))
    found.append(Place("nullable", words.text("May be empty"), "check", FLAG))
    return found


def words_of_three(
    words: Language, name: str, label: str, *, required: bool = False
) -> list[Place]:
    """A text in every language."""
    named = (("tr", "Turkish"), ("el", "Greek"), ("en", "English"))
    texts = {
        "Turkish": words.text(mark("Turkish")),
        "Greek": words.text(mark("Greek")),
        "English": words.text(mark("English")),
    }
    return [
        Place(f"{name}-{code}", f"{label}: {texts[said]}", required=required)
        for code, said in named
    ]


def tidied(record: dict[str, Any]) -> dict[str, Any]:
    """A declaration as its reader wants it: bounds of whole numbers are numbers."""
    domain = record.get("domain")
    if record.get("type") == FactType.INT.value and isinstance(domain, list):
        record["domain"] = [WHOLE.read(end) if isinstance(end, str) else end for end in domain]
    if isinstance(domain, list) and len(domain) == 1:
        record["domain"] = [*record["domain"], None]
    if record.get("type") == FactType.ENUM.value:
        record.pop("domain", None)
    return record


def names(records: Any) -> Sequence[str]:
    """Names that are declared, as far as they are said."""
    found = [one.get("name") for one in records or () if isinstance(one, Mapping)]
    return [name for name in found if isinstance(name, str) and name]
