"""Frozen dataclasses with slots, made with less work than the standard library takes.

``dataclasses.dataclass`` writes six methods per class as text and compiles them one by one; with
two hundred classes that was a quarter of the start of an API function (bench/cold.py). Here only
``__init__`` is compiled, and not before the first object is made: a request makes objects of some
thirty classes. The other methods are ordinary functions over the names of the fields.
What comes out is a dataclass in every other respect (fields, ``replace``, ``asdict``, matching,
copying). Whatever is not plainly ``@dataclass(frozen=True, slots=True)`` is left to the standard
library.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, FrozenInstanceError, fields
from operator import attrgetter
from typing import Any, Final

_STANDARD: Final[Any] = dataclasses.dataclass
_OPTIONS: Final = {"frozen": True, "slots": True}
_SPECIAL: Final = ("ClassVar", "InitVar", "KW_ONLY")
_PARAMS: Final[Any] = _STANDARD(type("Sample", (), {}), **_OPTIONS).__dataclass_params__


def install() -> None:
    """Let every module that is imported from now on make its dataclasses this way."""
    vars(dataclasses)["dataclass"] = dataclass


def dataclass(cls: Any = None, /, **options: Any) -> Any:
    """What ``dataclasses.dataclass`` is, with the short way for its usual options."""
    if options != _OPTIONS:
        return _STANDARD(cls, **options)
    return light if cls is None else light(cls)


def light(cls: type) -> Any:
    """``dataclass(frozen=True, slots=True)`` of one class."""
    if _is_special(cls):
        return _STANDARD(cls, **_OPTIONS)
    own = vars(cls)
    if not cls.__doc__:
        # Otherwise the standard library inspects the signature, which takes longer than the rest.
        cls.__doc__ = f"{cls.__name__}({', '.join(own.get('__annotations__', {}))})"
    made: Any = _STANDARD(cls, init=False, repr=False, eq=False, slots=True)
    made.__dataclass_params__ = _PARAMS  # frozen, for whoever inherits
    known = fields(made)
    methods: dict[str, Any] = {
        "__init__": _init_in_time(made, known),
        "__repr__": _repr,
        "__eq__": _eq([each.name for each in known if each.compare]),
        "__getstate__": _state,
        "__setstate__": _restore,
    }
    hashed = [each.name for each in known if (each.compare if each.hash is None else each.hash)]
    if own.get("__hash__") is None:
        made.__hash__ = _hash(hashed)
    for name, method in methods.items():
        if name not in own:
            setattr(made, name, method)
    made.__setattr__, made.__delattr__ = _frozen(made, frozenset(each.name for each in known))
    return made


def _is_special(cls: type) -> bool:
    """Whether only the standard library knows what to do: it inherits, or it is not all fields."""
    if any(dataclasses.is_dataclass(base) for base in cls.__mro__[1:]):
        return True
    annotations = vars(cls).get("__annotations__", {})
    return any(
        any(word in str(said) for word in _SPECIAL)
        or getattr(vars(cls).get(name), "kw_only", None) is True
        for name, said in annotations.items()
    )


def _init_in_time(cls: Any, known: Sequence[Field[Any]]) -> Callable[..., None]:
    """An ``__init__`` that is compiled when it is called first."""

    def __init__(_self: Any, /, *given: Any, **named: Any) -> None:
        if cls.__init__ is __init__:
            cls.__init__ = _init(cls, known)
        cls.__init__(_self, *given, **named)

    __init__.__qualname__ = f"{cls.__qualname__}.__init__"
    return __init__


def _init(cls: type, known: Sequence[Field[Any]]) -> Callable[..., None]:
    scope: dict[str, Any] = {"_set": object.__setattr__, "_missing": MISSING}
    arguments, body = ["_self"], []
    for number, each in enumerate(known):
        default, value = f"_default{number}", each.name
        if each.default is not MISSING:
            scope[default] = each.default
            taken = f"{each.name}={default}"
        elif each.default_factory is not MISSING:
            scope[default] = each.default_factory
            taken = f"{each.name}=_missing"
            value = f"{default}() if {each.name} is _missing else {each.name}"
        else:
            taken = each.name
        if each.init:
            arguments.append(taken)
        elif each.default is not MISSING:
            value = default
        elif each.default_factory is not MISSING:
            value = f"{default}()"
        else:
            continue  # set by __post_init__
        body.append(f" _set(_self, {each.name!r}, {value})")
    if hasattr(cls, "__post_init__"):
        body.append(" _self.__post_init__()")
    text = f"def __init__({', '.join(arguments)}):\n" + ("\n".join(body) or " pass")
    exec(text, scope)  # noqa: S102 - written above from the names of fields, nothing else
    init: Callable[..., None] = scope["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    init.__module__ = cls.__module__
    return init


def _values(names: Sequence[str]) -> Callable[[Any], Any]:
    return attrgetter(*names) if names else lambda _self: ()


def _eq(names: Sequence[str]) -> Callable[[Any, Any], Any]:
    values = _values(names)

    def __eq__(self: Any, other: Any) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return values(self) == values(other)

    return __eq__


def _hash(names: Sequence[str]) -> Callable[[Any], int]:
    values = _values(names)

    def __hash__(self: Any) -> int:
        return hash(values(self))

    return __hash__


def _repr(self: Any) -> str:
    shown = (f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _state(self: Any) -> list[Any]:
    return [getattr(self, each.name) for each in fields(self)]


def _restore(self: Any, state: Sequence[Any]) -> None:
    for each, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, each.name, value)


def _frozen(
    cls: Any, names: frozenset[str]
) -> tuple[Callable[[Any, str, Any], None], Callable[[Any, str], None]]:
    def __setattr__(self: Any, name: str, value: Any) -> None:
        if type(self) is cls or name in names:
            raise FrozenInstanceError(f"cannot assign to field {name!r}")
        super(cls, self).__setattr__(name, value)

    def __delattr__(self: Any, name: str) -> None:
        if type(self) is cls or name in names:
            raise FrozenInstanceError(f"cannot delete field {name!r}")
        super(cls, self).__delattr__(name)

    return __setattr__, __delattr__
