"""The first start: fill an empty stack once, and keep what it can be used with.

The credentials live inside the data, so that a reset or a snapshot takes them along, and are
copied into the folder of the stack for people and tools. A marker tells a seed that was killed
half-way, whose remains must go, from one that is done.
"""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from infra.local.cloud import LocalCloud
from infra.local.log_book import LogBook

CREDENTIALS_FILE: Final = "credentials.json"
SEED_ERROR: Final = "seed_error"
"""Member of the credentials that says why the seed failed."""

SEED_SNAPSHOT: Final = "seed"
"""The state right after the first start, to go back to."""

_MARKER: Final = "seeding"


class Seed(Protocol):
    """Fills an empty stack and says with which keys and passwords it can be used."""

    def __call__(self, base_url: str, cloud: LocalCloud) -> Mapping[str, Any]:
        """Seed once; gives the content of the credentials file."""
        ...


class Seeding:
    """Seeds the data of one stack; ``folder`` is where people look, ``data`` where it is kept."""

    def __init__(self, folder: Path, data: Path, log: LogBook) -> None:
        self._public = folder / CREDENTIALS_FILE
        self._kept = data / CREDENTIALS_FILE
        self._marker = data / _MARKER
        self._log = log

    @property
    def interrupted(self) -> bool:
        """Whether a seed was killed half-way: the data must go before anything else."""
        return self._marker.exists()

    @property
    def done(self) -> bool:
        """Whether this folder was seeded before."""
        return self._kept.exists()

    def credentials(self, base_url: str, cloud: LocalCloud, seed: Seed | None) -> dict[str, Any]:
        """The credentials of this stack at its present address, seeded when it is empty.

        A seed that fails is not repeated, because by the next start people have used the stack:
        the credentials then hold ``SEED_ERROR`` only. Nothing at all without a seed.
        """
        if self._kept.exists():
            found = json.loads(self._kept.read_text(encoding="utf-8"))
        elif seed is not None:
            self._marker.touch()
            found = self._run(base_url, cloud, seed)
            write_private(self._kept, found)
            self._marker.unlink()
        else:
            self._public.unlink(missing_ok=True)
            return {}
        found["base_url"] = base_url
        write_private(self._public, found)
        return dict(found)

    def _run(self, base_url: str, cloud: LocalCloud, seed: Seed) -> dict[str, Any]:
        try:
            return dict(seed(base_url, cloud))
        except Exception as error:
            self._log.note("seed", traceback.format_exc())
            self._log.say(f"the seed failed: {error!r}; the log has the details")
            return {SEED_ERROR: repr(error)}


def seed_product(base_url: str, cloud: LocalCloud) -> Mapping[str, Any]:
    """Fill an empty stack with the companies, people and keys of the product."""
    # The product's own code is imported by the first start only.
    from infra.local.seed import seed

    return seed(base_url, cloud)


def write_private(path: Path, document: Mapping[str, Any]) -> None:
    """Write JSON that only the owner of the file may read, all of it or nothing."""
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        json.dump(document, out, ensure_ascii=False, indent=2)
        out.write("\n")
    draft.replace(path)
