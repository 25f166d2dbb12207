"""Joins the field registers of all contexts into the one the workspace shows.

Contexts do not import each other, so this tool does; the result is committed and a test compares
it. Run it after a change of ``functions/*/adapters/personal_data.py``.
"""

import importlib
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

from kernel.personal_data import Basis, Expiring, Holding, Register
from workspace.domain.catalogue import CONTEXTS

ROOT: Final = Path(__file__).resolve().parents[2]
TARGET: Final = ROOT / "functions" / "workspace" / "adapters" / "field_register.json"
_TODAY: Final = date(2026, 1, 1)


def register_of(context: str) -> Register:
    """The register of one context."""
    register: Register = importlib.import_module(f"{context}.adapters.personal_data").REGISTER
    return register


def _basis(basis: Basis) -> dict[str, Any]:
    return {"basis": basis.value, "articles": list(basis.articles)}


def _holding(holding: Holding) -> dict[str, Any]:
    rule = holding.ground.retention.on(_TODAY)
    prefix = f"{holding.part}." if holding.part else ""
    return {
        "kind": holding.kind,
        "purpose": holding.ground.purpose,
        **_basis(holding.ground.basis),
        "kept_months": rule.months,
        "kept_source": rule.source,
        "store": "core",
        "readers": list(holding.ground.readers),
        "fields": [
            {"field": f"{prefix}{one.path}".rstrip("."), "what": one.what.value}
            for one in holding.fields
        ],
    }


def _expiring(one: Expiring) -> dict[str, Any]:
    return {
        "kind": one.name,
        "purpose": one.ground.purpose,
        **_basis(one.ground.basis),
        "kept_days": one.days,
        "kept_source": "expires by itself",
        "store": one.store,
        "readers": list(one.ground.readers),
        "fields": [{"field": name, "what": what.value} for name, what in one.fields],
    }


def _joined() -> Iterator[dict[str, Any]]:
    for context in CONTEXTS:
        register = register_of(context)
        yield {
            "context": context,
            "records": [
                *map(_holding, register.holdings),
                *map(_expiring, register.expiring),
            ],
        }


def rendered() -> str:
    """The text of the joined register."""
    return json.dumps(list(_joined()), ensure_ascii=False, indent=1) + "\n"


def main() -> None:
    """Write it."""
    TARGET.write_text(rendered(), encoding="utf-8")


if __name__ == "__main__":
    main()
