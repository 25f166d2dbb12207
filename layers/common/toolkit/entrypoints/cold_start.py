"""How a function starts: the garbage collector looks less often.

Importing makes some hundred thousand objects that stay for ever, and Python's usual threshold of
700 looks at them again and again: a fifth of the start of an API function (bench/cold.py). An
invocation makes far fewer objects than the threshold below, so memory does not grow by it.
"""

import gc
from typing import Final

_THRESHOLDS: Final = (50_000, 20, 20)


def prepare() -> None:
    """Say it once per process, before anything large is imported: in ``handlers/__init__.py``."""
    gc.set_threshold(*_THRESHOLDS)
