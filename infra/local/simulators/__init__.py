"""The institutions around the product, simulated over real protocols on loopback."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from infra.local.simulators.dias.running import RunningDias, start_dias
from infra.local.simulators.insurers.running import RunningInsurer, start_insurers


def start_all(state_dir: Path, now: Callable[[], datetime]) -> list[RunningInsurer | RunningDias]:
    """Start every simulator; each keeps its book under ``state_dir`` and follows ``now``."""
    return [*start_insurers(state_dir, now), start_dias(state_dir, now)]
