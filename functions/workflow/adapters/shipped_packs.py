"""The rules that come with the product: the packs beside this module, read once per process.

A pack is data: rules of the source with their quotes, the tables that hold them, dated parameters.
A shipped version counts for everybody (scope ``default``) until a company publishes its own.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from workflow.domain.rules.catalogue import Catalogue, Rule
from workflow.domain.rules.parameters import Parameter
from workflow.domain.rules.scope import DEFAULT
from workflow.domain.rules.table import digest
from workflow.domain.rules.versions import TableVersion, VersionStatus

PACKS: Final = Path(__file__).parent / "packs"
# What ships counts as always known: a company that corrects a value does so later than this.
_ALWAYS: Final = datetime(2000, 1, 1, tzinfo=UTC)
_AUTHOR: Final = "system:packs"


@dataclass(frozen=True, slots=True)
class _Pack:
    name: str
    version: int
    valid_from: date
    content: Mapping[str, Any]

    def versions(self) -> list[TableVersion]:
        return [
            TableVersion(
                id=f"{self.name}.{self.version}.{key}",
                key=key,
                scope=DEFAULT,
                document=document,
                sha256=digest(document),
                valid_from=self.valid_from,
                recorded_at=_ALWAYS,
                author=_AUTHOR,
                status=VersionStatus.PUBLISHED,
                publisher=_AUTHOR,
            )
            for key, document in self.content["tables"].items()
        ]

    def parameters(self) -> list[Parameter]:
        return [
            Parameter(
                id=f"{self.name}.{self.version}.{said['key']}.{said['valid_from']}",
                key=said["key"],
                value=said["value"],
                valid_from=date.fromisoformat(said["valid_from"]),
                recorded_at=_ALWAYS,
                legal_ref=said["legal_ref"],
                verified_by=said.get("verified_by", ""),
                mark=said["mark"],
                author=_AUTHOR,
            )
            for said in self.content["parameters"]
        ]

    def rules(self) -> list[Rule]:
        source = self.content["source"]
        return [
            Rule(said["no"], said["key"], said["table"], said["title"], said["quote"], source)
            for said in self.content["rules"]
        ]


@cache
def shipped() -> Catalogue:
    """Everything that ships."""
    packs = [_read(path) for path in sorted(PACKS.glob("*.json"))]
    return Catalogue.of(
        rules=[rule for pack in packs for rule in pack.rules()],
        versions=[version for pack in packs for version in pack.versions()],
        parameters=[parameter for pack in packs for parameter in pack.parameters()],
    )


def _read(path: Path) -> _Pack:
    content = json.loads(path.read_text(encoding="utf-8"))
    start = date.fromisoformat(content["valid_from"])
    return _Pack(content["pack"], content["version"], start, content)
