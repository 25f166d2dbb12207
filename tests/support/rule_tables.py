"""Tables for tests: rules as the source document words them, with their contradictions."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, Final

from toolkit.calendars import calendar
from workflow.adapters.shipped_packs import shipped
from workflow.domain.rules.parameters import Parameter, Parameters, World
from workflow.domain.rules.scope import Scopes

NOW: Final = datetime(2026, 9, 1, 8, tzinfo=UTC)
TODAY: Final = date(2026, 9, 1)
GROUPS: Final = ["RESIDENTIAL", "COMMERCIAL", "INDUSTRIAL", "PUBLIC"]

# R18 as written: nothing is said about exactly 1,000 TL.
PURCHASE_AS_WRITTEN: Final[dict[str, Any]] = {
    "facts": [{"name": "amount", "type": "money", "domain": ["0.00", None]}],
    "outputs": [{"name": "chain", "type": "list", "items": "enum(CHIEF|MANAGER)"}],
    "rows": [
        {"id": "below", "cells": ["<1000.00"], "outputs": {"chain": ["CHIEF"]}},
        {"id": "above", "cells": [">1000.00"], "outputs": {"chain": ["CHIEF", "MANAGER"]}},
    ],
}
# R30 and R31 as written: public housing is both.
PREPAID_AS_WRITTEN: Final[dict[str, Any]] = {
    "facts": [
        {"name": "subscriber_group", "type": "enum", "values": GROUPS},
        {"name": "public_institution", "type": "bool"},
    ],
    "outputs": [{"name": "prepaid", "type": "enum", "values": ["FORBIDDEN", "REQUIRED"]}],
    "complete": False,
    "rows": [
        {"id": "R30", "cells": ["RESIDENTIAL", "-"], "outputs": {"prepaid": "FORBIDDEN"}},
        {"id": "R31", "cells": ["-", "true"], "outputs": {"prepaid": "REQUIRED"}},
    ],
}
# R41 as written: more than 500 TL is also more than 100 TL.
INSTALMENTS_AS_WRITTEN: Final[dict[str, Any]] = {
    "facts": [
        {"name": "subscriber_group", "type": "enum", "values": GROUPS},
        {"name": "debt", "type": "money", "domain": ["0.00", None]},
    ],
    "outputs": [{"name": "most", "type": "int"}],
    "rows": [
        {"id": "1", "cells": ["RESIDENTIAL", "<=100.00"], "outputs": {"most": 1}},
        {"id": "2", "cells": ["RESIDENTIAL", ">100.00"], "outputs": {"most": 2}},
        {"id": "3", "cells": ["RESIDENTIAL", ">500.00"], "outputs": {"most": 3}},
    ],
}


def world_of(
    *parameters: Parameter,
    on: date = TODAY,
    known_on: datetime = NOW,
    scopes: Scopes | None = None,
    with_shipped: bool = True,
) -> World:
    """A world with the shipped parameters and more."""
    known = shipped().parameters if with_shipped else Parameters()
    return World(known.plus(parameters), on, known_on, calendar("TR"), scopes or Scopes())


def parameter(key: str, value: Any, valid_from: date, **more: Any) -> Parameter:
    """One value of a parameter, the company's own and known for long."""
    given = {"scope": "company", "recorded_at": datetime(2020, 1, 1, tzinfo=UTC), **more}
    identity = f"{key}@{valid_from}@{given['recorded_at']}@{given['scope']}"
    return Parameter(id=identity, key=key, value=value, valid_from=valid_from, **given)
