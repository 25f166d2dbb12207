"""The processes that come with the product: the packs beside this module, read once per process.

A file is one version of one process. What runs keeps the version it started with, so a file that
shipped is never edited: a change is a new file with the next version.
"""

import json
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Final

from workflow.domain.processes.versions import DefinitionVersion, Processes
from workflow.domain.rules.scope import DEFAULT
from workflow.domain.rules.table import digest
from workflow.domain.rules.versions import VersionStatus

PACKS: Final = Path(__file__).parent / "process_packs"
_ALWAYS: Final = datetime(2000, 1, 1, tzinfo=UTC)
_AUTHOR: Final = "system:packs"


@cache
def shipped_processes() -> Processes:
    """Everything that ships."""
    return Processes.of(_read(path) for path in sorted(PACKS.glob("*.json")))


def _read(path: Path) -> DefinitionVersion:
    content = json.loads(path.read_text(encoding="utf-8"))
    return DefinitionVersion(
        id=f"{content['key']}.{content['version']}",
        key=content["key"],
        scope=DEFAULT,
        document=content["definition"],
        sha256=digest(content["definition"]),
        valid_from=date.fromisoformat(content["valid_from"]),
        recorded_at=_ALWAYS,
        author=_AUTHOR,
        status=VersionStatus.PUBLISHED,
        publisher=_AUTHOR,
    )
