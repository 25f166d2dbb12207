"""The form of a scenario pack, checked before anything is played.

A pack is a YAML file: what it shows, who takes part, and steps in order. Every step says in one
sentence what happens (``say``) and does exactly one thing. README.md beside the packs is the
manual; a file that breaks the form is refused with every mistake and where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from infra.local.durations import DurationError, parse_duration

FOLDER: Final = Path(__file__).parents[1] / "scenarios"
PARTS: Final = "parts"
SEEDS: Final = "seeds"
VERBS: Final = (
    "call", "visit", "simulator", "clock", "tick", "mail", "receiver", "use",
)  # fmt: skip
"""What a step can do; each step names exactly one."""

Sentence = Annotated[str, StringConstraints(min_length=8, max_length=200)]
Expected = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """YAML without its surprises: ``on`` is a word, 001 and 10000000146 and 12.50 are texts."""


_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("(?:true|false)$"), list("tf"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile("(?:null|~|)$"), ["n", "~", ""])
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile("-?(?:0|[1-9][0-9]{0,8})$"), list("-0123456789")
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile("<<$"), ["<"])


class PackError(ValueError):
    """A pack that is not there or breaks the form; the message lists every mistake."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class File(_Strict):
    """A file that goes with a call, as a person would upload it."""

    name: str
    type: Literal["text/csv", "text/plain", "application/xml"] = "text/csv"
    text: str
    encoding: str = "utf-8"


class MailWish(_Strict):
    """Which mail of the inbox is meant: the newest whose recipient and subject contain these."""

    to: str = ""
    subject: str = ""


class Step(_Strict):
    """One thing that happens, what is kept of it and what must be true afterwards."""

    say: Sentence
    call: Annotated[str, StringConstraints(pattern=r"^(GET|POST|PUT|PATCH|DELETE) /v1/.+$")] = ""
    visit: str = ""
    simulator: str = ""
    clock: str = ""
    tick: str = ""
    mail: MailWish | None = None
    receiver: Literal["", "up", "down", "look"] = ""
    use: str = ""

    # Of a call
    by: str = "company"
    send: dict[str, Any] | None = None
    file: File | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    status: int = 0
    job: bool = False
    # Of a visit
    form: dict[str, str] | None = None
    # Of a simulator, a mail, a part
    script: dict[str, Any] | None = None
    then: Literal["", "bounce", "complaint", "open", "scan"] = ""
    given: dict[str, Any] = Field(default_factory=dict)
    # Of all that answer
    keep: dict[str, str] = Field(default_factory=dict)
    expect: Expected = Field(default_factory=dict)
    until: Expected = Field(default_factory=dict)
    within: Annotated[int, Field(ge=1, le=120)] = 30

    @property
    def verb(self) -> str:
        """The one thing this step does."""
        return next(verb for verb in VERBS if getattr(self, verb))

    @model_validator(mode="after")
    def _whole(self) -> Self:
        said = [verb for verb in VERBS if getattr(self, verb)]
        if len(said) != 1:
            raise ValueError(f"say one of {', '.join(VERBS)}, not {' and '.join(said) or 'none'}")
        for field, verbs in _BELONGS.items():
            if field in self.model_fields_set and self.verb not in verbs:
                raise ValueError(f"{field} belongs to {' or '.join(verbs)}, not to {self.verb}")
        if self.send is not None and self.file is not None:
            raise ValueError("a call carries send or file, not both")
        if self.clock:
            try:
                parse_duration(self.clock)
            except DurationError as error:
                raise ValueError(str(error)) from None
        return self


_ANSWERING: Final = ("call", "visit", "simulator", "mail", "receiver")
_BELONGS: Final[Mapping[str, Sequence[str]]] = {
    "by": ("call",),
    "send": ("call",),
    "file": ("call",),
    "headers": ("call",),
    "status": ("call", "visit"),
    "job": ("call",),
    "form": ("visit",),
    "script": ("simulator",),
    "then": ("mail",),
    "given": ("use",),
    "keep": _ANSWERING,
    "expect": _ANSWERING,
    "until": _ANSWERING,
    "within": _ANSWERING,
}


class PersonOf(_Strict):
    """Somebody of the company, who is invited and joins before the first step."""

    name: str
    roles: list[str] = Field(min_length=1)


class Pack(_Strict):
    """A story that plays by itself: in tests, in the demo, by hand."""

    title: Annotated[str, StringConstraints(min_length=10, max_length=90)]
    story: Annotated[str, StringConstraints(min_length=40)]
    company: str = "Senaryo Ticaret A.Ş."
    language: Literal["tr", "el", "en"] = "tr"
    zone: str = "Europe/Istanbul"
    people: dict[str, PersonOf] = Field(default_factory=dict)
    steps: list[Step] = Field(min_length=2)
    context: str = ""
    name: str = ""

    @model_validator(mode="after")
    def _known_people(self) -> Self:
        known = {"company", "operator", "nobody", *self.people}
        for number, step in enumerate(self.steps, 1):
            if step.by not in known:
                raise ValueError(f"step {number} is by {step.by!r}; known: {', '.join(known)}")
        if not any(step.expect or step.until for step in self.steps):
            raise ValueError("a pack that expects nothing shows nothing")
        return self


class Part(_Strict):
    """Steps that several packs begin with; ``needs`` names what the pack gives."""

    needs: dict[str, Any] = Field(default_factory=dict)
    steps: list[Step] = Field(min_length=1)


_Form = TypeVar("_Form", bound=_Strict)


def names() -> list[str]:
    """Every pack as ``context/name``, in order."""
    return sorted(
        f"{path.parent.name}/{path.stem}"
        for path in FOLDER.glob("*/*.yaml")
        if path.parent.name not in (PARTS, SEEDS)
    )


def seeds() -> list[str]:
    """Names of the packs that only fill a company (``kopru seed``)."""
    return sorted(path.stem for path in (FOLDER / SEEDS).glob("*.yaml"))


def find(name: str) -> Pack:
    """The pack of this name; the context may be left out where one name is enough.

    Raises: PackError.
    """
    found = [each for each in names() if name in (each, each.partition("/")[2])]
    if len(found) != 1:
        which = f"several packs are called {name!r}" if found else f"there is no pack {name!r}"
        raise PackError(f"{which}; there are: {', '.join(found or names())}")
    context, _, own = found[0].partition("/")
    return read(FOLDER / context / f"{own}.yaml")


def read(path: Path) -> Pack:
    """One pack, with the parts it uses looked at. Raises: PackError."""
    pack = _parsed(path, Pack)
    for number, step in enumerate(pack.steps, 1):
        if step.use:
            _check_use(step, f"{path.parent.name}/{path.name}, step {number}")
    return pack.model_copy(update={"context": path.parent.name, "name": path.stem})


def part(name: str) -> Part:
    """Steps to be used by packs. Raises: PackError."""
    return _parsed(FOLDER / PARTS / f"{name}.yaml", Part)


def _check_use(step: Step, where: str) -> None:
    wanted = part(step.use).needs
    unknown = set(step.given) - set(wanted)
    missing = {name for name, value in wanted.items() if value is None} - set(step.given)
    for word, those in (("does not take", unknown), ("needs", missing)):
        if those:
            raise PackError(f"{where}: {step.use} {word} {', '.join(sorted(those))}")


def _parsed(path: Path, model: type[_Form]) -> _Form:
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506  (it is a SafeLoader)
    except OSError:
        raise PackError(f"there is no {path.parent.name}/{path.name}") from None
    except yaml.YAMLError as error:
        raise PackError(f"{path.name} is not YAML: {error}") from None
    try:
        return model.model_validate(document, strict=True)
    except ValidationError as error:
        mistakes = (
            f"  {'.'.join(map(str, each['loc'])) or 'the pack'}: {each['msg']}"
            for each in error.errors(include_url=False)
        )
        raise PackError("\n".join([f"{path.parent.name}/{path.name}:", *mistakes])) from None
