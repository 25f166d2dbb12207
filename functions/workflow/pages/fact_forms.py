"""Forms made from declared facts: what is drawn, and what was typed as the JSON that rules take."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kernel.errors import ParseError
from kernel.parsing import parse_amount_tr
from webkit.components import Option
from workflow.domain.processes.definition import Field
from workflow.domain.rules.facts import FactType
from workflow.pages.process_words import ProcessSay

PREFIX = "data-"
"""Controls are named after their place in the request, so that problems find them."""


@dataclass(frozen=True, slots=True)
class Control:
    """One control. Shapes: ``kind`` is text, date, money, choice or lines."""

    id: str
    label: str
    kind: str
    value: str
    required: bool
    options: tuple[Option, ...] = ()


def controls(
    fields: Iterable[Field], say: ProcessSay, values: Mapping[str, Any], prefix: str = PREFIX
) -> list[Control]:
    """The controls of a form with what was typed or is known."""
    return [_control(field, say, values.get(field.name), prefix) for field in fields]


def _control(field: Field, say: ProcessSay, value: Any, prefix: str) -> Control:
    fact = field.fact
    options: tuple[Option, ...] = ()
    kind = {
        FactType.DATE: "date",
        FactType.MONEY: "money",
        FactType.LIST: "lines",
    }.get(fact.type, "text")
    if fact.type is FactType.ENUM:
        kind, options = "choice", tuple(Option(one, say.choice(one)) for one in fact.values)
    if fact.type is FactType.BOOL:
        kind = "choice"
        yes, no = say.words.text("yes"), say.words.text("no")
        options = (Option("true", yes), Option("false", no))
    return Control(
        prefix + field.name,
        say.of(field.label),
        kind,
        _shown(value, fact.type),
        not fact.nullable,
        options,
    )


def _shown(value: Any, kind: FactType) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if kind is FactType.LIST and isinstance(value, list):
        return "\n".join(
            "; ".join(map(_member, one)) if isinstance(one, list) else str(one) for one in value
        )
    return str(value)


def _member(value: Any) -> str:
    return ("evet" if value else "hayır") if isinstance(value, bool) else str(value)


def typed(fields: Iterable[Field], form: Mapping[str, str], prefix: str = PREFIX) -> dict[str, Any]:
    """What was typed, as JSON; what cannot be read stays text and is refused by its fact."""
    found: dict[str, Any] = {}
    for field in fields:
        text = form.get(prefix + field.name, "").strip()
        if text:
            found[field.name] = _read(field, text)
        elif field.fact.type is FactType.LIST and prefix + field.name in form:
            found[field.name] = []
    return found


def _read(field: Field, text: str) -> Any:
    match field.fact.type:
        case FactType.MONEY:
            try:
                return parse_amount_tr(text).amount_text
            except ParseError:
                return text
        case FactType.INT:
            return int(text) if re.fullmatch(r"-?[0-9]{1,12}", text) else text
        case FactType.DECIMAL:
            return text.replace(",", ".")
        case FactType.BOOL:
            return {"true": True, "false": False}.get(text, text)
        case FactType.LIST:
            kinds = [item.type for item in field.fact.items]
            return [_line(line, kinds) for line in text.splitlines() if line.strip()]
        case _:
            return text


def _line(line: str, kinds: list[FactType]) -> Any:
    parts = [part.strip() for part in line.split(";")]
    if len(kinds) == 1:
        return _part(line.strip(), kinds[0])
    if len(parts) != len(kinds):
        return line
    return [_part(part, kind) for part, kind in zip(parts, kinds, strict=True)]


def _part(text: str, kind: FactType) -> Any:
    if kind is FactType.BOOL:
        said = {"evet": True, "true": True, "ναι": True, "yes": True,
                "hayır": False, "false": False, "όχι": False, "no": False}  # fmt: skip
        return said.get(text.lower(), text)
    return text.replace(",", ".") if kind is FactType.DECIMAL else text
