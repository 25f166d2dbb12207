"""The movable time of the local stack, as its functions see it.

The stack keeps one small file: ``{"offset_seconds": 86400, "frozen_at": null}``. It is looked at
for every reading of the clock, so that moving the clock needs no new process.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path


def following(path: Path) -> Callable[[datetime], datetime]:
    """What the file makes of the machine's time: moved ahead, or standing still.

    Raises (the returned function): OSError, ValueError when the file is not there or damaged.
    """

    def moved(wall: datetime) -> datetime:
        stored = json.loads(path.read_bytes())
        if stored.get("frozen_at"):
            return datetime.fromisoformat(stored["frozen_at"])
        return wall + timedelta(seconds=int(stored["offset_seconds"]))

    return moved
