"""Facts: what a table decides on, with types that refuse instead of guessing.

A fact that is missing, of the wrong type, null where null is not foreseen or outside its domain is
an error that names the fact; it never leads to the default row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from kernel.errors import ParseError, Problem, ValidationError
from kernel.parsing import format_instant, parse_date_api, parse_instant

Value = Any
"""A fact as the rules see it: Decimal (money, decimal, number), int, bool, str, date, datetime,
a tuple of such values, or None."""

MASKED: Final = "•••"
"""What stands wherever the value of a personal fact would be shown or kept in the clear."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_MONEY: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,2})?")
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,9})?")
_COMPACT: Final = re.compile(r"([a-z]+)(?:\(([^()]*)\))?(\?)?")
_MAX_TEXT: Final = 200
_MAX_LIST: Final = 500
_CENT: Final = Decimal("0.01")


class FactType(StrEnum):
    """What a fact, a derived fact or an output may be."""

    MONEY = "money"
    DECIMAL = "decimal"
    NUMBER = "number"
    INT = "int"
    DATE = "date"
    DATETIME = "datetime"
    BOOL = "bool"
    ENUM = "enum"
    TEXT = "text"
    LIST = "list"
    ANY = "any"


ORDERED: Final = frozenset(
    {
        FactType.MONEY,
        FactType.DECIMAL,
        FactType.NUMBER,
        FactType.INT,
        FactType.DATE,
        FactType.DATETIME,
    }
)
"""Types whose cells may compare."""

_STEPS: Final[Mapping[FactType, Any]] = {
    FactType.MONEY: _CENT,
    FactType.INT: 1,
    FactType.DATE: timedelta(days=1),
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One typed place: a fact, a derived fact or an output.

    Units: money has two decimals, ``scale`` is the number of decimals a computed decimal is rounded
    to (half up). ``low`` and ``high`` are inclusive; ``step`` is the distance of neighbours, None
    where there is always something in between.
    Shapes: ``values`` are the members of an enum in their order; ``items`` describes the members of
    a list: one place for a plain list, several for a list of equal rows. ``personal`` values (and
    what is derived from them) may decide, but are shown nowhere: neither in reasons nor in results.
    """

    name: str
    type: FactType
    nullable: bool = False
    values: tuple[str, ...] = ()
    low: Value = None
    high: Value = None
    step: Any = None
    scale: int | None = None
    items: tuple[Fact, ...] = ()
    personal: bool = False

    # ------------------------------------------------------------------ values

    def read(self, value: object) -> Value:
        """The value of an input.

        Raises: ParseError("NULL_FACT" | "TYPE" | "DOMAIN").
        """
        if value is None:
            if self.nullable or self.type is FactType.ANY:
                return None
            raise ParseError("NULL_FACT", f"NULL_FACT({self.name}): it may not be null.")
        found = self._typed(value)
        if self.type in ORDERED and not self._inside(found):
            raise ParseError("DOMAIN", f"DOMAIN({self.name}): the value is outside its domain.")
        return found

    def _typed(self, value: object) -> Value:
        kind = self.type
        if kind is FactType.ANY:
            return value
        if kind is FactType.BOOL and type(value) is bool:
            return value
        if kind is FactType.INT and type(value) is int:
            return value
        if kind is FactType.NUMBER and (
            type(value) is int or (isinstance(value, Decimal) and value.is_finite())
        ):
            return Decimal(value)
        if isinstance(value, list | tuple) and kind is FactType.LIST:
            return self._list(value)
        if isinstance(value, str):
            return self._from_text(value)
        raise self._type_error()

    def _from_text(self, text: str) -> Value:
        kind = self.type
        if kind is FactType.ENUM and text in self.values:
            return text
        if kind is FactType.TEXT and 0 < len(text) <= _MAX_TEXT:
            return text
        if kind is FactType.MONEY and _MONEY.fullmatch(text):
            return Decimal(text).quantize(_CENT)
        if kind is FactType.DECIMAL and _DECIMAL.fullmatch(text):
            return Decimal(text)
        try:
            if kind is FactType.DATE:
                return parse_date_api(text)
            if kind is FactType.DATETIME:
                return parse_instant(text)
        except ParseError:
            pass
        raise self._type_error()

    def _list(self, values: Sequence[object]) -> Value:
        if len(values) > _MAX_LIST:
            raise ParseError("DOMAIN", f"DOMAIN({self.name}): more than {_MAX_LIST} members.")
        try:
            return tuple(self._member(value) for value in values)
        except ParseError:
            raise self._type_error() from None

    def _member(self, value: object) -> Value:
        if len(self.items) == 1:
            return self.items[0].read(value)
        if not isinstance(value, list | tuple) or len(value) != len(self.items):
            raise self._type_error()
        return tuple(item.read(part) for item, part in zip(self.items, value, strict=True))

    def _type_error(self) -> ParseError:
        said = f" one of {', '.join(self.values)}" if self.values else ""
        return ParseError("TYPE", f"TYPE({self.name}): {self.type.value} expected{said}.")

    def _inside(self, value: Value) -> bool:
        return not (
            (self.low is not None and value < self.low)
            or (self.high is not None and value > self.high)
        )

    def shown(self, value: Value) -> Any:
        """A value as JSON for reasons and records: personal ones are masked."""
        return MASKED if self.personal and value is not None else self.wire(value)

    def wire(self, value: Value) -> Any:
        """A value as JSON: decimals as text, dates ISO, ``number`` as an int where it is whole."""
        if self.type is FactType.LIST and value is not None:
            return [self._member_wire(member) for member in value]
        if self.type is FactType.NUMBER and isinstance(value, Decimal):
            return int(value) if value == value.to_integral_value() else value
        return plain(value)

    def _member_wire(self, member: Value) -> Any:
        if len(self.items) > 1:
            return [item.wire(part) for item, part in zip(self.items, member, strict=True)]
        return self.items[0].wire(member) if self.items else plain(member)

    @property
    def is_ordered(self) -> bool:
        """Whether cells may compare."""
        return self.type in ORDERED

    # ------------------------------------------------------------------ document

    def to_dict(self) -> dict[str, Any]:
        """The declaration as JSON."""
        said: dict[str, Any] = {"name": self.name, "type": self.type.value}
        if self.nullable:
            said["nullable"] = True
        if self.values:
            said["values"] = list(self.values)
        if self.low is not None or self.high is not None:
            said["domain"] = [self.wire(self.low), self.wire(self.high)]
        if self.scale is not None:
            said["scale"] = self.scale
        if self.items:
            said["items"] = [item.to_dict() for item in self.items]
        if self.personal:
            said["personal"] = True
        return said


def plain(value: Value) -> Any:
    """A value as JSON without a declaration."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [plain(member) for member in value]
    return value


# ---------------------------------------------------------------------------- declarations

_MEMBERS: Final = frozenset(
    {"name", "type", "nullable", "values", "domain", "step", "scale", "items", "personal"}
)


def declare(said: object, pointer: str, problems: list[Problem]) -> Fact | None:
    """Read one declaration; what is wrong goes to ``problems``.

    Shapes: ``name``, ``type``, and if they apply ``nullable``, ``values``, ``domain``, ``scale``,
    ``items`` and ``personal``. ``domain`` is ``[low, high]``, or the members of an enum; ``items``
    is one declaration or a list of them, each also as a compact text (``decimal``, ``enum(A|B)``).
    """
    if not isinstance(said, Mapping):
        problems.append(Problem(pointer, "SHAPE", "A declaration is an object."))
        return None
    wrong = [
        Problem(f"{pointer}/{name}", "unknown_field", "There is no such member.")
        for name in said
        if name not in _MEMBERS
    ]
    name, kind = said.get("name"), said.get("type")
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        wrong.append(Problem(f"{pointer}/name", "NAME", "A name has small letters, digits and _."))
    if not isinstance(kind, str):
        wrong.append(Problem(f"{pointer}/type", "required", "The type is missing."))
    if wrong or not isinstance(kind, str):
        problems.extend(wrong)
        return None
    if kind not in {item.value for item in FactType}:
        base = compact(str(name), kind)
        if base is None:
            problems.append(Problem(f"{pointer}/type", "CHOICE", "There is no such type."))
            return None
    else:
        base = Fact(str(name), FactType(kind))
    try:
        return _completed(base, said)
    except (ParseError, TypeError, ValueError) as error:
        text = error.message if isinstance(error, ParseError) else "The declaration is not valid."
        problems.append(Problem(pointer, "SHAPE", text))
        return None


def _completed(base: Fact, said: Mapping[str, Any]) -> Fact:
    domain = said.get("domain")
    values = said.get("values", domain if base.type is FactType.ENUM else None)
    nullable = _flag(said, "nullable", base.nullable)
    scale = said.get("scale", base.scale)
    if scale is not None and (type(scale) is not int or not 0 <= scale <= 9):
        raise ParseError("SHAPE", "The scale is a whole number from 0 to 9.")
    made = Fact(
        base.name,
        base.type,
        nullable,
        _texts(values) if values is not None else base.values,
        step=_STEPS.get(base.type),
        scale=scale,
        items=_items(said["items"]) if "items" in said else base.items,
        personal=_flag(said, "personal", False),
    )
    if made.type is FactType.ENUM and not made.values:
        raise ParseError("SHAPE", "An enum names its values.")
    if made.type is FactType.LIST and not made.items:
        raise ParseError("SHAPE", "A list says what its items are.")
    if made.personal and made.type is FactType.ANY:
        raise ParseError("SHAPE", "A personal fact says what it is.")
    if domain is None or made.type is FactType.ENUM:
        return made
    if not made.is_ordered or not isinstance(domain, list) or len(domain) != 2:
        raise ParseError("SHAPE", "A domain is a list of the lowest and the highest value.")
    low, high = (None if end is None else made.read(end) for end in domain)
    if low is not None and high is not None and low > high:
        raise ParseError("SHAPE", "The domain is empty.")
    return Fact(
        made.name, made.type, nullable, made.values, low, high, made.step, scale, made.items,
        made.personal,
    )  # fmt: skip


def _flag(said: Mapping[str, Any], name: str, otherwise: bool) -> bool:
    value = said.get(name, otherwise)
    if type(value) is not bool:
        raise ParseError("SHAPE", f"{name} is true or false.")
    return value


def _texts(values: object) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(v, str) and v for v in values):
        raise ParseError("SHAPE", "The values are a list of texts.")
    if len(set(values)) != len(values):
        raise ParseError("SHAPE", "A value stands twice.")
    return tuple(values)


def _items(said: object) -> tuple[Fact, ...]:
    parts = said if isinstance(said, list) else [said]
    made = []
    for number, part in enumerate(parts):
        if isinstance(part, str):
            found = compact(f"item{number}", part)
        else:
            problems: list[Problem] = []
            found = declare(part, "", problems)
            if problems:
                raise ParseError("SHAPE", problems[0].message)
        if found is None or found.type is FactType.LIST:
            raise ParseError("SHAPE", "The items of the list are not described.")
        made.append(found)
    return tuple(made)


def compact(name: str, text: str) -> Fact | None:
    """A declaration as one text: ``money``, ``date?``, ``enum(A|B)``, ``list(text)``."""
    match = _COMPACT.fullmatch(text.strip())
    if match is None or match[1] not in {item.value for item in FactType}:
        return None
    kind, inner = FactType(match[1]), match[2]
    values = tuple(part.strip() for part in inner.split("|")) if inner else ()
    items: tuple[Fact, ...] = ()
    if kind is FactType.LIST:
        parts = [compact(f"item{number}", part) for number, part in enumerate(values)]
        if not parts or any(part is None for part in parts):
            return None
        items, values = tuple(part for part in parts if part is not None), ()
    if (kind is FactType.ENUM) != bool(values):
        return None
    return Fact(name, kind, bool(match[3]), values, step=_STEPS.get(kind), items=items)


@dataclass(frozen=True, slots=True)
class FactSchema:
    """All facts of a table, by name in their order."""

    facts: Mapping[str, Fact] = field(default_factory=dict)

    @classmethod
    def of(cls, facts: Iterable[Fact]) -> FactSchema:
        """The schema of these facts."""
        return cls({fact.name: fact for fact in facts})

    def masked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The facts as they may be shown."""
        hidden = self.personal(given)
        return {name: MASKED if name in hidden else value for name, value in given.items()}

    def personal(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Those of the facts that are personal and said."""
        return {
            name: value
            for name, value in given.items()
            if value is not None and name in self.facts and self.facts[name].personal
        }

    def read(self, given: Mapping[str, object]) -> dict[str, Value]:
        """Every fact as the rules see it; all that is wrong comes in one error.

        Raises: ValidationError("facts_invalid") with one problem per fact: ``MISSING_FACT``,
        ``UNKNOWN_FACT``, ``NULL_FACT``, ``TYPE`` or ``DOMAIN``.
        """
        problems = [
            Problem(f"/facts/{_escaped(name)}", "UNKNOWN_FACT", "The table knows no such fact.")
            for name in given
            if name not in self.facts
        ]
        values: dict[str, Value] = {}
        for name, fact in self.facts.items():
            if name not in given:
                text = f"MISSING_FACT({name}): the fact is not there."
                problems.append(Problem(f"/facts/{name}", "MISSING_FACT", text))
                continue
            try:
                values[name] = fact.read(given[name])
            except ParseError as error:
                problems.append(error.at(f"/facts/{name}"))
        if problems:
            raise ValidationError("facts_invalid", "Some facts are wrong.", problems=problems)
        return values


def _escaped(name: str) -> str:
    return str(name).replace("~", "~0").replace("/", "~1")[:60]
