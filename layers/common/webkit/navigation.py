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
        mark("Payment codes"),
        (
            NavItem(
                "payment_codes.codes",
                mark("Codes"),
                "/payment-codes",
                "list",
                "payment_codes:code:read",
            ),
            NavItem(
                "payment_codes.unmatched",
                mark("Not matched"),
                "/payment-codes/unmatched",
                "alert",
                "payment_codes:code:read",
            ),
            NavItem(
                "payment_codes.organisation",
                mark("Organisation"),
                "/payment-codes/organisation",
                "key",
                "payment_codes:organisation:read",
            ),
        ),
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
