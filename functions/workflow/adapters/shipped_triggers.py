"""The time-driven rules that come with the product, and the kinds of subjects they look at."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from kernel.errors import ValidationError
from workflow.domain.processes.definition import DocumentReader, Source
from workflow.domain.processes.subjects import SubjectKind
from workflow.domain.processes.triggers import Consequence, Mode, Trigger
from workflow.domain.processes.words import Words

PACK: Final = Path(__file__).parent / "trigger_packs" / "time_driven.json"


@dataclass(frozen=True)
class TimeDriven:
    """Kinds of subjects by key, triggers in their order, names of units."""

    kinds: Mapping[str, SubjectKind]
    triggers: tuple[Trigger, ...]
    units: Mapping[str, Words]


@cache
def time_driven() -> TimeDriven:
    """Everything that ships."""
    reader = DocumentReader()
    said = json.loads(PACK.read_text(encoding="utf-8"))
    kinds = {}
    for one in said["subjects"]:
        fields = reader.each(one["facts"], f"/{one['key']}", reader.field)
        facts = {field.name: field for field in fields}
        kinds[one["key"]] = SubjectKind(one["key"], one["title"], facts)
    triggers = tuple(_trigger(one, reader) for one in said["triggers"])
    if reader.problems:
        raise ValidationError("pack_invalid", "The pack is broken.", problems=reader.problems)
    return TimeDriven(kinds, triggers, said["units"])


def _trigger(said: Mapping[str, Any], reader: DocumentReader) -> Trigger:
    facts = reader.sources(said["facts"], f"/{said['key']}/facts")
    consequences = tuple(_consequence(one, reader) for one in said["consequences"])
    guards = reader.each(said.get("guards"), f"/{said['key']}/guards", reader.guard)
    return Trigger(said["key"], said["rule"], said["subject"], facts, consequences, guards)


def _consequence(said: Mapping[str, Any], reader: DocumentReader) -> Consequence:
    period = reader.source(said["period"], "/period")
    assert isinstance(period, Source)  # noqa: S101  (the pack is tested)
    return Consequence(
        said["output"],
        said["equals"],
        said["action"],
        said["title"],
        said["unit"],
        Mode(said["mode"]),
        period,
        said["process"],
        reader.sources(said["data"], "/data"),
        said.get("amount", ""),
        reader.source(said["otherwise"], "/otherwise") if "otherwise" in said else None,
    )
