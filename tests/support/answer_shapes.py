"""Infers what answers of the API look like from answers that were given.

What all answers of an operation have in common is its schema, the one that tells most its example.
``answers.py`` beside this records, ``infra/tools/answers.py`` reads what is kept.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from infra.tools.answers import FOLDER, ITSELF, JSON, PROBLEM, Answer, Description
from tests.support.scanner import cleaned

REFERENCE: Final = "#/components/schemas/"

# Members whose keys are data: facts of rules, amounts by code, values of a form.
KEYED: Final = frozenset(
    {"by_code", "counts", "data", "facts", "mapping", "outcomes", "params", "returned"}
)
# Members of which each kind of item has its own: a client reads them with the kind in its hand.
FREE: Final = frozenset({"result"})
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_FORMATS: Final = {
    "date": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    "date-time": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9.]+Z"),
}
# Plain shapes that all contexts share, by their members.
_SHARED: Final[Mapping[frozenset[str], str]] = {
    frozenset({"amount", "currency"}): "Money",
    frozenset({"key", "params"}): "Why",
}
# Keys, tokens, digests: an example shows that there is one, and commits none.
_OPAQUE: Final = re.compile(
    r"(?<![A-Za-z0-9_-])(?:"
    r"(?:kopru_(?:test|live)_|whsec_)[A-Za-z0-9+/=_-]+"
    r"|(?=[A-Za-z0-9_-]*[a-z])(?=[A-Za-z0-9_-]*[A-Z])[A-Za-z0-9_-]{28,}"
    r"|[0-9a-f]{40,}|[A-Z2-7]{29,})"
)
_SHOWN_TEXT: Final = 300
_SHOWN_ITEMS: Final = 2
_SHOWN_SIZE: Final = 3000


class Named(dict[str, Any]):
    """What a function ``…_out`` made: an object with a name in the description."""

    def __init__(self, name: str, members: Mapping[str, Any]) -> None:
        super().__init__(members)
        self.name = name


class Word(str):
    """A word of an enumeration that remembers the others."""

    __slots__ = ("kind",)
    kind: type[StrEnum]


def _name_of(value: Mapping[str, Any]) -> str | None:
    if isinstance(value, Named):
        return value.name
    return _SHARED.get(frozenset(value))


def _walk(value: Any) -> Iterator[Mapping[str, Any]]:
    """All objects inside a body."""
    if isinstance(value, Mapping):
        yield value
        for member in value.values():
            yield from _walk(member)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _walk(item)


def _text(values: Sequence[str]) -> dict[str, Any]:
    words: set[str] = set()
    for value in values:
        kind = type(value) if isinstance(value, StrEnum) else getattr(value, "kind", None)
        words |= {item.value for item in kind} if kind is not None else set()
    if words and all(str(value) in words for value in values):
        return {"type": "string", "enum": sorted(map(str, words))}
    for name, pattern in _FORMATS.items():
        if all(pattern.fullmatch(value) for value in values):
            return {"type": "string", "format": name}
    return {"type": "string"}


def _object(values: Sequence[Mapping[str, Any]], name: str) -> dict[str, Any]:
    if name in FREE:
        return {"type": "object"}
    names = {str(key) for value in values for key in value}  # a word is more than its text
    if name in KEYED or not all(_NAME.fullmatch(key) for key in names):
        inside = [member for value in values for member in value.values()]
        return {"type": "object", "additionalProperties": schema_of(inside)}
    schema: dict[str, Any] = {"type": "object"}
    if names:
        schema["properties"] = {
            key: schema_of([value[key] for value in values if key in value], key)
            for key in sorted(names)
        }
    if required := sorted(key for key in names if all(key in value for value in values)):
        schema["required"] = required
    return schema


def schema_of(values: Sequence[Any], name: str = "") -> dict[str, Any]:
    """JSON Schema that all ``values`` fit; ``name`` is the member that held them."""
    found: list[dict[str, Any]] = []
    objects = [value for value in values if isinstance(value, Mapping)]
    names = sorted({named for value in objects if (named := _name_of(value)) is not None})
    found += [{"$ref": REFERENCE + named} for named in names]
    if plain := [value for value in objects if _name_of(value) is None]:
        found.append(_object(plain, name))
    if lists := [value for value in values if isinstance(value, list | tuple)]:
        items = schema_of([item for value in lists for item in value])
        found.append({"type": "array", "items": items} if items else {"type": "array"})
    if texts := [value for value in values if isinstance(value, str)]:
        found.append(_text(texts))
    kinds = {type(value) for value in values}
    if bool in kinds:
        found.append({"type": "boolean"})
    if float in kinds:
        found.append({"type": "number"})
    elif int in kinds:
        found.append({"type": "integer"})
    if type(None) not in kinds:
        return found[0] if len(found) == 1 else {"anyOf": found} if found else {}
    if len(found) == 1 and "type" in found[0]:
        only = found[0]
        words = {"enum": [*only["enum"], None]} if "enum" in only else {}
        return {**only, "type": [only["type"], "null"], **words}
    return {"anyOf": [*found, {"type": "null"}]} if found else {"type": "null"}


def shown(value: Any) -> Any:
    """A body as an example: long lists shortened, secrets cut, numbers of people masked."""
    if isinstance(value, Mapping):
        return {str(key): shown(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [shown(item) for item in value[:_SHOWN_ITEMS]]
    if isinstance(value, str):
        text = _OPAQUE.sub(lambda found: found[0][:12] + "…", cleaned(str(value)))
        return text if len(text) <= _SHOWN_TEXT else text[:_SHOWN_TEXT] + "…"
    return value


def _leaves(value: Any) -> int:
    if isinstance(value, Mapping):
        return sum(map(_leaves, value.values()))
    if isinstance(value, list):
        return sum(map(_leaves, value))
    return value is not None


def _rank(example: Any) -> tuple[bool, int, int, str]:
    text = json.dumps(example, ensure_ascii=False, sort_keys=True)
    return len(text) <= _SHOWN_SIZE, _leaves(example), -len(text), text


class Recording:
    """Answers that were given, until they become the description."""

    def __init__(self) -> None:
        self._bodies: dict[tuple[str, int, str], list[Any]] = defaultdict(list)
        self._problems: dict[str, list[Any]] = defaultdict(list)
        self._refusals: dict[str, set[str]] = defaultdict(set)

    def add(self, answer: Answer) -> None:
        """Take one answer."""
        if answer.content_type == PROBLEM:
            self._problems[answer.body["code"]].append(answer.body)
            self._refusals[answer.operation].add(answer.body["code"])
        else:
            key = answer.operation, answer.status, answer.content_type
            self._bodies[key].append(answer.body)

    def write(self, context_of: Mapping[str, str]) -> None:
        """Replace what is kept, one file per context and one for what all of them share."""
        before = Description.read()
        now = self.description()
        _filled(now, context_of)
        _keep_examples(before, now)
        files: dict[str, dict[str, Any]] = defaultdict(lambda: defaultdict(dict))
        for operation, answers in now.answers.items():
            files[context_of[operation]]["answers"][operation] = answers
        for operation, codes in now.refusals.items():
            files[context_of[operation]]["refusals"][operation] = codes
        for name, schema in now.schemas.items():
            files[name.partition(".")[0] if "." in name else "shared"]["schemas"][name] = schema
        files["shared"]["problems"] = now.problems
        FOLDER.mkdir(exist_ok=True)
        for name, content in files.items():
            text = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True)
            (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")

    def description(self) -> Description:
        """What the answers have in common."""
        made = Description()
        for (operation, status, content_type), bodies in self._bodies.items():
            answers = made.answers.setdefault(operation, {}).setdefault(str(status), {})
            answers[content_type] = _described(operation, content_type, bodies)
        objects: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for value in _walk(list(self._bodies.values())):
            if (name := _name_of(value)) is not None:
                objects[name].append(value)
        made.schemas = {name: _object(values, "") for name, values in objects.items()}
        made.refusals = {operation: sorted(codes) for operation, codes in self._refusals.items()}
        made.problems = {code: _example(bodies) for code, bodies in self._problems.items()}
        return made


def _example(bodies: Sequence[Any]) -> Any:
    return max(map(shown, bodies), key=_rank)


def _described(operation: str, content_type: str, bodies: Sequence[Any]) -> dict[str, Any]:
    if content_type != JSON:
        return {"schema": {"type": "string"}}
    if operation == ITSELF:
        return {"schema": {"type": "object"}}
    return {"schema": schema_of(bodies), "example": _example(bodies)}


_TEXT: Final = {"type": "string"}
_DAY: Final = {"type": "string", "format": "date"}
_INSTANT: Final = {"type": "string", "format": "date-time"}
_WHOLE: Final = {"type": "integer"}
_TEXTS: Final = {"type": "array", "items": _TEXT}


def _of(**members: Any) -> dict[str, Any]:
    return {"type": "object", "properties": members, "required": sorted(members)}


_PROBLEM_AT: Final = _of(pointer=_TEXT, code=_TEXT, message=_TEXT)
# What no test happens to be answered, by context and member, as the functions ``…_out`` make it.
_DECLARED: Final[Mapping[tuple[str, str], dict[str, Any]]] = {
    ("card_contracts", "cutoff"): _of(day=_WHOLE, pay_day=_WHOLE),
    ("card_contracts", "skip_and_block"): {
        "type": "string",
        "enum": ["block_then_skip", "skip_then_block"],
    },
    ("card_contracts", "stage"): _TEXT,
    ("card_contracts", "value"): _WHOLE,
    ("payment_codes", "end_to_end_id"): _TEXT,
    ("pensions", "asked_again_at"): _INSTANT,
    ("pensions", "code"): _TEXT,
    ("pensions", "left_on"): _DAY,
    ("pensions", "problem"): _PROBLEM_AT,
    ("reconciliation", "net_amount_try"): {"$ref": REFERENCE + "Money"},
    ("reconciliation", "problems"): {
        "type": "array",
        "items": _of(row=_WHOLE, code=_TEXT, message=_TEXT),
    },
    ("workflow", "dead"): _TEXTS,
    ("workflow", "default"): {"type": "object"},
    ("workflow", "derived"): {"type": "array", "items": {"type": "object"}},
    ("workflow", "kinds"): _TEXTS,
    ("workflow", "next"): {"type": "object"},
    ("workflow", "problems"): {"type": "array", "items": _PROBLEM_AT},
    ("workflow", "unbound"): {"type": "array", "items": {"type": "object"}},
    ("workflow", "unreachable"): _TEXTS,
    ("workflow", "verified_at"): _DAY,
    ("workspace", "device"): _TEXT,
    ("workspace", "from"): _DAY,
    ("workspace", "hidden_sheets"): _TEXTS,
    ("workspace", "next_due_on"): _DAY,
    ("workspace", "other_sheets"): _TEXTS,
    ("workspace", "until"): _DAY,
}
_OPEN: Final[tuple[dict[str, Any], ...]] = ({}, {"type": "null"}, {"type": "array"})
Members = dict[str, Any]


def _members(schema: Any) -> Iterator[tuple[str, Members, str]]:
    """(name of a member, what holds it, its key there), for every member inside a schema."""
    for name, member in schema.get("properties", {}).items():
        yield name, schema["properties"], name
        yield from _members(member)
    for part in ("items", "additionalProperties"):
        if isinstance(schema.get(part), dict):
            yield part, schema, part
            yield from _members(schema[part])
    for member in schema.get("anyOf", ()):
        yield from _members(member)


def _filled(now: Description, context_of: Mapping[str, str]) -> None:
    """What was always null or empty in one answer is what it is elsewhere under the same name: in
    its context, or else anywhere, if all that is known of it there agrees; or what is declared.
    """
    places: list[tuple[str, str, Members, str]] = []
    for name, schema in now.schemas.items():
        places += [(name.partition(".")[0], *member) for member in _members(schema)]
    for operation, answers in now.answers.items():
        for contents in answers.values():
            for content in contents.values():
                found = _members(content["schema"])
                places += [(context_of[operation], *member) for member in found]
    known: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for context, name, holder, key in places:
        if holder[key] not in _OPEN and name not in ("items", "additionalProperties"):
            for realm in (context, ""):
                if (shape := _without_null(holder[key])) not in known[realm, name]:
                    known[realm, name].append(shape)
    for context, name, holder, key in places:
        if holder[key] in _OPEN:
            shapes = known[context, name] or known["", name]
            shapes = [shape for shape in shapes if _fits(holder[key], shape)]
            if (declared := _DECLARED.get((context, name))) is not None and len(shapes) != 1:
                shapes = [declared]
            if len(shapes) == 1:
                holder[key] = shapes[0] if holder[key] != {"type": "null"} else _or_null(shapes[0])


def _fits(seen: Members, shape: Members) -> bool:
    return seen != {"type": "array"} or shape.get("type") == "array"


def _without_null(schema: Members) -> Members:
    kinds = schema.get("type")
    if isinstance(kinds, list):
        return {
            key: [word for word in value if word is not None] if key == "enum" else value
            for key, value in {**schema, "type": next(k for k in kinds if k != "null")}.items()
        }
    if "anyOf" in schema:
        rest = [member for member in schema["anyOf"] if member != {"type": "null"}]
        return rest[0] if len(rest) == 1 else {"anyOf": rest}
    return schema


def _or_null(schema: Members) -> Members:
    if isinstance(schema.get("type"), str):
        words = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
        return {**schema, "type": [schema["type"], "null"], **words}
    return {"anyOf": [*schema.get("anyOf", [schema]), {"type": "null"}]}


def _keep_examples(before: Description, now: Description) -> None:
    """Take over examples that fit and tell as much: recording twice changes nothing."""
    for operation, answers in now.answers.items():
        for status, contents in answers.items():
            old = before.answers.get(operation, {}).get(status, {}).get(JSON, {}).get("example")
            new = contents.get(JSON, {}).get("example")
            if old is None or _leaves(old) < _leaves(new):
                continue
            if not now.differences(Answer(operation, int(status), JSON, old)):
                contents[JSON]["example"] = old
    for code, new in now.problems.items():
        old = before.problems.get(code)
        if old is not None and _leaves(old) >= _leaves(new):
            now.problems[code] = old
