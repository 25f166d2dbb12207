"""Light dataclasses are those of the standard library, made with less work."""

import copy
import dataclasses
import pickle
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError, InitVar, field
from typing import Any, ClassVar

import pytest

from toolkit.entrypoints.light_dataclasses import dataclass as light


@light(frozen=True, slots=True)
class Packed:
    """What is sent to another process must be found by its name."""

    a: int
    b: tuple[int, ...]


_PACKED: Any = Packed
Make = Callable[[type], Any]


def standard(cls: type) -> Any:
    return dataclasses.dataclass(frozen=True, slots=True)(cls)


def ours(cls: type) -> Any:
    return light(frozen=True, slots=True)(cls)


def build(make: Make) -> dict[str, Any]:
    """The same classes, made by one of the two."""

    class Plain:
        """Everything a field can be."""

        a: int
        b: str = "b"
        c: tuple[int, ...] = ()
        d: list[int] = field(default_factory=list)
        hidden: str = field(default="h", repr=False)
        apart: int = field(default=0, compare=False)
        unhashed: list[int] = field(default_factory=list, hash=False)
        made: int = field(init=False, default=7)

        @property
        def double(self) -> int:
            return self.a * 2

    class Checked:
        """Refuses, and sets what it computes."""

        a: int
        twice: int = field(init=False)

        def __post_init__(self) -> None:
            if self.a < 0:
                raise ValueError("negative")
            object.__setattr__(self, "twice", 2 * self.a)

    class Own:
        """Has methods of its own."""

        a: int

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 42

        def __repr__(self) -> str:
            return "own"

    class Empty:
        """Nothing."""

    class One:
        """A single field."""

        only: str

    class Special:
        """What only the standard library makes."""

        known: ClassVar[int] = 3
        a: int
        extra: InitVar[int] = 1  # type: ignore[assignment]

        def __post_init__(self, extra: int) -> None:
            object.__setattr__(self, "a", self.a + extra)

    found = {cls.__name__: make(cls) for cls in (Plain, Checked, Own, Empty, One, Special)}

    class Child(found["One"]):  # type: ignore[misc, valid-type]
        """Inherits."""

        more: int = 1

    return {**found, "Child": make(Child)}


STANDARD, OURS = build(standard), build(ours)
ACTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "repr": lambda k: repr(k["Plain"](1, hidden="x")).rpartition(".")[2],
    "repr of nothing": lambda k: repr(k["Empty"]()).rpartition(".")[2],
    "own repr": lambda k: repr(k["Own"](1)),
    "equal": lambda k: k["Plain"](1, d=[1]) == k["Plain"](1, d=[1], apart=9),
    "not equal": lambda k: k["Plain"](1) == k["Plain"](2),
    "another class": lambda k: k["One"]("a") == k["Child"]("a"),
    "own equality": lambda k: k["Own"](1) == 5,
    "equal hashes": lambda k: hash(k["One"]("a")) == hash(k["One"]("a")),
    "own hash": lambda k: hash(k["Own"](1)),
    "hash of a list": lambda k: hash(k["Plain"](1)),
    "in a set": lambda k: len({k["Empty"](), k["Empty"]()}),
    "fresh lists": lambda k: k["Plain"](1).d is k["Plain"](1).d,
    "by name": lambda k: (k["Plain"](a=1, b="x").b, k["Plain"](1).made),
    "missing": lambda k: k["Plain"](),
    "unknown": lambda k: k["Plain"](1, zzz=1),
    "not taken": lambda k: k["Plain"](1, made=1),
    "set": lambda k: setattr(k["Plain"](1), "a", 2),
    "delete": lambda k: delattr(k["Plain"](1), "a"),
    "no dict": lambda k: k["Plain"](1).__dict__,
    "slots": lambda k: k["Plain"].__slots__,
    "replace": lambda k: dataclasses.replace(k["Plain"](1), b="y").b,
    "replace what is checked": lambda k: dataclasses.replace(k["Checked"](1), a=-1),
    "asdict": lambda k: dataclasses.asdict(k["Plain"](1)),
    "field names": lambda k: [each.name for each in dataclasses.fields(k["Plain"])],
    "match arguments": lambda k: k["Plain"].__match_args__,
    "frozen for heirs": lambda k: k["Child"]("a", 2).more,
    "heir set": lambda k: setattr(k["Child"]("a"), "more", 2),
    "property": lambda k: k["Plain"](4).double,
    "computed": lambda k: k["Checked"](4).twice,
    "refused": lambda k: k["Checked"](-1),
    "copy": lambda k: copy.copy(k["Plain"](1, d=[1])).d,
    "deep copy": lambda k: copy.deepcopy(k["Plain"](1, d=[1])).d,
    "state": lambda k: k["Plain"](1).__getstate__(),
    "class variable and init variable": lambda k: (k["Special"](1, 5).a, k["Special"].known),
    "name": lambda k: k["Plain"].__init__.__qualname__.rpartition("<locals>.")[2],
    "doc": lambda k: k["Plain"].__doc__,
    "params": lambda k: k["Plain"].__dataclass_params__.frozen,
}


@pytest.mark.parametrize("name", list(ACTS))
def test_they_do_the_same(name: str) -> None:
    def outcome(classes: dict[str, Any]) -> tuple[str, Any]:
        try:
            return "gave", ACTS[name](classes)
        except Exception as error:
            return "raised", type(error)

    assert outcome(OURS) == outcome(STANDARD)


def test_frozen_ones_say_so() -> None:
    with pytest.raises(FrozenInstanceError):
        OURS["Plain"](1).a = 2


def test_other_options_are_those_of_the_standard_library() -> None:
    class Loose:
        a: int

    made: Any = light(slots=True)(Loose)
    loose = made(1)
    loose.a = 2
    assert loose == made(2)


def test_one_method_is_compiled_when_the_first_object_is_made() -> None:
    class Sample:
        """Some fields."""

        a: int
        b: str = ""

    compiled = 0

    def note(_frame: object, event: str, argument: object) -> None:
        nonlocal compiled
        compiled += event == "c_call" and argument is exec

    counts = []
    sys.setprofile(note)
    try:
        made = ours(Sample)
        counts.append(compiled)
        for number in range(3):
            made(number)
            counts.append(compiled)
    finally:
        sys.setprofile(None)
    # The standard library of 3.13 compiles once more, for the rest it is not asked for.
    before = 0 if sys.version_info < (3, 13) else 1
    assert counts == [before, before + 1, before + 1, before + 1]


def test_a_method_that_was_taken_before_the_first_object_works_for_heirs_too() -> None:
    class Base:
        """One field."""

        a: int

    made = ours(Base)
    early = made.__init__

    class Heir(made):  # type: ignore[misc, valid-type]
        """Calls what it inherits."""

        def __init__(self) -> None:
            early(self, 5)

    assert [Heir().a, Heir().a, made(6).a] == [5, 5, 6]


def test_they_travel() -> None:
    packed = _PACKED(5, (1, 2))
    assert pickle.loads(pickle.dumps(packed)) == packed  # noqa: S301 - written here
