"""The console's navigation: one list, shared by the pages of all contexts."""

from __future__ import annotations

from typing import Final

from webkit.components import NavGroup, NavItem
from webkit.i18n import mark

CONSOLE: Final[tuple[NavGroup, ...]] = (
    NavGroup("", (NavItem("today", mark("Today"), "/", "sun"),)),
    NavGroup(
        mark("Pensions"),
        (NavItem("pensions.contracts", mark("Contracts"), "/pensions/contracts", "contract"),),
    ),
    NavGroup(
        mark("Operations"),
        (
            NavItem("jobs", mark("Jobs"), "/jobs", "list"),
            NavItem("incidents", mark("Incidents"), "/incidents", "alert"),
            NavItem("messages", mark("Mail log"), "/messages", "mail"),
        ),
    ),
)
"""Groups and entries in the order in which they are drawn."""
