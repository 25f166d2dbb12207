"""How a local stack is started: port, folder and what it runs, from flags and the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
"""The checkout."""

DEFAULT_PORT: Final = 8000
STACK_NAME: Final = "kopru"


class SettingsError(ValueError):
    """The environment asks for something impossible; the message names the variable."""


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """Everything that may differ between two stacks on one machine.

    Shapes: ``port`` 0 takes a free one; ``packages`` is the dependency layer of a template that
    was built, None when functions run from the source.
    """

    port: int
    folder: Path
    template: Path = ROOT / "template.yaml"
    packages: Path | None = None
    assets: Path = ROOT / "build" / "assets"
    stack_name: str = STACK_NAME
    verbose: bool = False
    seed: bool = True
    schedules: bool = True
    reload: bool = True


def default_port(environment: Mapping[str, str] = os.environ) -> int:
    """``PORT`` or 8000. Raises: SettingsError for a PORT that is not one."""
    text = environment.get("PORT", "")
    if not text:
        return DEFAULT_PORT
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise SettingsError(f"PORT={text} is not a port number")
    return int(text)


def default_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """``KOPRU_LOCAL_DIR`` or ``.local`` in the checkout."""
    text = environment.get("KOPRU_LOCAL_DIR", "")
    return Path(text).expanduser().absolute() if text else ROOT / ".local"
