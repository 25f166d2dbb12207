"""Imports of moto without what nobody here uses.

moto's Step Functions interpreter takes one enumeration from moto's Batch, whose package imports
all of EC2: half of the start-up time of the stack.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Final

_BATCH: Final = "moto.batch"


@contextmanager
def without_batch() -> Iterator[None]:
    """Inside, modules of ``moto.batch`` are found, but the package itself is not run."""
    moto = importlib.util.find_spec("moto")
    if _BATCH in sys.modules or moto is None or not moto.submodule_search_locations:
        yield
        return
    package = ModuleType(_BATCH)
    package.__path__ = [f"{folder}/batch" for folder in moto.submodule_search_locations]
    sys.modules[_BATCH] = package
    try:
        yield
    finally:
        # From here on whoever wants Batch gets the real one.
        if sys.modules.get(_BATCH) is package:
            del sys.modules[_BATCH]
