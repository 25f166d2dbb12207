"""Finds an interpreter of the version that Lambda runs, wherever machines usually keep one."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

LAMBDA_VERSION: Final = (3, 13)
_NAME: Final = "python3.13"
_CHECK: Final = "import sys; raise SystemExit(sys.version_info[:2] != (3, 13))"


def _candidates() -> Iterator[Path]:
    if sys.version_info[:2] == LAMBDA_VERSION:
        yield Path(sys.executable)
    named = os.environ.get("KOPRU_PYTHON_3_13")
    if named:
        yield Path(named)
    for folder in os.get_exec_path():
        yield Path(folder) / _NAME
    home = Path.home()
    yield from sorted(home.glob(f".pyenv/versions/3.13.*/bin/{_NAME}"), reverse=True)
    yield from sorted(home.glob(f".local/share/uv/python/cpython-3.13*/bin/{_NAME}"), reverse=True)
    brewed = shutil.which("brew")
    if brewed:
        yield Path(brewed).parent.parent / "opt" / "python@3.13" / "bin" / _NAME


@cache
def lambda_python() -> Path | None:
    """A working Python 3.13 of this machine, or None.

    A file of the right name is not enough: version managers put shims on the path that refuse to
    run.
    """
    for candidate in _candidates():
        if candidate.is_file():
            answer = subprocess.run(  # noqa: S603 - a fixed program text
                [str(candidate), "-c", _CHECK], capture_output=True, check=False
            )
            if answer.returncode == 0:
                return candidate
    return None


if __name__ == "__main__":
    found = lambda_python()
    if found is None:
        raise SystemExit(1)
    sys.stdout.write(f"{found}\n")
