"""How a function starts: with less work for the garbage collector and for dataclasses.

Importing makes some hundred thousand objects that stay for ever, and Python's usual threshold of
700 looks at them again and again: a fifth of the start of an API function (bench/cold.py). An
invocation makes far fewer objects than the threshold below, so memory does not grow by it.
Dataclasses: see ``light_dataclasses``.
"""

import gc
from typing import Final

from toolkit.entrypoints import light_dataclasses

_THRESHOLDS: Final = (50_000, 20, 20)


def prepare() -> None:
    """Say it once per process, before anything large is imported: in ``handlers/__init__.py``."""
    gc.set_threshold(*_THRESHOLDS)
    light_dataclasses.install()
