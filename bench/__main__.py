"""``make bench [AREA=name]``: each area measures, prints and says whether its goals hold."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Final

AREAS: Final = {
    "cold": ("cold",),
    "cards": ("cards",),
    "rules": ("rules",),
    "letters": ("letters_cost",),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the areas; 1 when one of them misses a goal."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("areas", nargs="*", metavar="AREA", help=", ".join(AREAS))
    areas = parser.parse_args(arguments).areas or list(AREAS)
    if unknown := [area for area in areas if area not in AREAS]:
        parser.error(f"there is no area {unknown[0]}; there are {', '.join(AREAS)}")
    missed = [
        module
        for area in areas
        for module in AREAS[area]
        if importlib.import_module(f"bench.{module}").main([])
    ]
    if missed:
        print(f"goals are missed in: {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
