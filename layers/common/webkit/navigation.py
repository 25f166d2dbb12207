"""The console's navigation: one list, shared by the pages of all contexts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from webkit.components import NavGroup, NavItem
from webkit.i18n import mark

CONSOLE: Final[tuple[NavGroup, ...]] = (
    NavGroup(
        "",
        (
            NavItem(
                "support.visit",
                mark("You are here for support"),
                "/support-visit",
                "eye",
                "support:visit:read",
            ),
            NavItem("today", mark("Today"), "/", "sun", "workspace:today:read"),
            NavItem("views", mark("Views"), "/views", "filter", "workspace:today:read"),
        ),
    ),
    NavGroup(
        mark("Pensions"),
        (
            NavItem(
                "pensions.overview",
                mark("Overview"),
                "/pensions/overview",
                "coins",
                "pensions:contract:read",
            ),
            NavItem(
                "pensions.contracts",
                mark("Contracts"),
                "/pensions/contracts",
                "contract",
                "pensions:contract:read",
            ),
            NavItem(
                "pensions.providers",
                mark("Pension companies"),
                "/pensions/providers",
                "bank",
                "pensions:provider:read",
            ),
        ),
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
                "payment_codes.statements",
                mark("Bank statements"),
                "/payment-codes/statements",
                "bank",
                "payment_codes:statement:read",
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
        mark("Card contracts"),
        (
            NavItem(
                "card_contracts.contracts",
                mark("Contracts"),
                "/card-contracts",
                "contract",
                "card_contracts:contract:read",
            ),
            NavItem(
                "card_contracts.plan",
                mark("Plan a sale"),
                "/card-contracts/plan",
                "coins",
                "card_contracts:contract:read",
            ),
            NavItem(
                "card_contracts.sales",
                mark("Card sales"),
                "/card-contracts/sales",
                "list",
                "card_contracts:sale:read",
            ),
            NavItem(
                "card_contracts.receivables",
                mark("Receivables"),
                "/card-contracts/receivables",
                "list",
                "card_contracts:receivable:read",
            ),
            NavItem(
                "card_contracts.matches",
                mark("Match bench"),
                "/card-contracts/matches",
                "bank",
                "card_contracts:match:read",
            ),
            NavItem(
                "card_contracts.drift",
                mark("Commission drift"),
                "/card-contracts/drift",
                "alert",
                "card_contracts:match:read",
            ),
            NavItem(
                "card_contracts.cash",
                mark("Cash calendar"),
                "/card-contracts/cash",
                "clock",
                "card_contracts:receivable:read",
            ),
            NavItem(
                "card_contracts.settings",
                mark("Settings"),
                "/card-contracts/settings",
                "pencil",
                "card_contracts:settings:read",
            ),
        ),
    ),
    NavGroup(
        mark("Rules and approvals"),
        (
            NavItem(
                "workflow.tasks", mark("Tasks"), "/workflow/tasks", "check", "workflow:task:read"
            ),
            NavItem(
                "workflow.approvals",
                mark("Approvals"),
                "/workflow/approvals",
                "history",
                "workflow:approval:read",
            ),
            NavItem(
                "workflow.delegations",
                mark("Substitutes"),
                "/workflow/delegations",
                "people",
                "workflow:delegation:read",
            ),
            NavItem(
                "workflow.trust",
                mark("Signatures"),
                "/workflow/trust",
                "check",
                "workflow:trust:read",
            ),
            NavItem(
                "workflow.rules", mark("Rules"), "/workflow/rules", "list", "workflow:rule:read"
            ),
            NavItem(
                "workflow.parameters",
                mark("Parameters"),
                "/workflow/parameters",
                "coins",
                "workflow:parameter:read",
            ),
            NavItem(
                "workflow.decisions",
                mark("Decisions"),
                "/workflow/decisions",
                "check",
                "workflow:decision:read",
            ),
            NavItem(
                "workflow.processes",
                mark("Processes"),
                "/workflow/processes",
                "list",
                "workflow:process:read",
            ),
            NavItem(
                "workflow.proposals",
                mark("Proposals"),
                "/workflow/proposals",
                "info",
                "workflow:proposal:read",
            ),
            NavItem(
                "workflow.subjects",
                mark("Subjects"),
                "/workflow/subjects",
                "list",
                "workflow:subject:read",
            ),
        ),
    ),
    NavGroup(
        mark("Reconciliation"),
        (
            NavItem(
                "reconciliation.board",
                mark("Board"),
                "/reconciliation",
                "sun",
                "reconciliation:letter:read",
            ),
            NavItem(
                "reconciliation.letters",
                mark("Letters"),
                "/reconciliation/letters",
                "mail",
                "reconciliation:letter:read",
            ),
            NavItem(
                "reconciliation.figures",
                mark("Figures"),
                "/reconciliation/figures",
                "list",
                "reconciliation:figure:read",
            ),
            NavItem(
                "reconciliation.counterparties",
                mark("Counterparties"),
                "/reconciliation/counterparties",
                "people",
                "reconciliation:counterparty:read",
            ),
            NavItem(
                "reconciliation.replies",
                mark("Answers"),
                "/reconciliation/replies",
                "check",
                "reconciliation:reply:read",
            ),
            NavItem(
                "reconciliation.differences",
                mark("Differences"),
                "/reconciliation/differences",
                "filter",
                "reconciliation:reply:read",
            ),
            NavItem(
                "reconciliation.users",
                mark("Portal users"),
                "/reconciliation/users",
                "key",
                "reconciliation:user:read",
            ),
            NavItem(
                "reconciliation.mailing",
                mark("Mailing"),
                "/reconciliation/mailing",
                "clock",
                "reconciliation:letter:read",
            ),
            NavItem(
                "reconciliation.mails",
                mark("Report of mails"),
                "/reconciliation/mails",
                "list",
                "reconciliation:letter:read",
            ),
            NavItem(
                "reconciliation.imports",
                mark("Imports"),
                "/reconciliation/imports",
                "upload",
                "reconciliation:ledger:read",
            ),
        ),
    ),
    NavGroup(
        mark("Operations"),
        (
            NavItem("jobs", mark("Jobs"), "/jobs", "list", "workspace:job:read"),
            NavItem(
                "incidents", mark("Incidents"), "/incidents", "alert", "workspace:incident:read"
            ),
            NavItem("messages", mark("Mail log"), "/messages", "mail", "workspace:message:read"),
        ),
    ),
    NavGroup(
        mark("Operator"),
        (
            NavItem(
                "operator.incidents",
                mark("Incidents of all companies"),
                "/operator/incidents",
                "alert",
                "operator:incident:read",
            ),
            NavItem(
                "operator.signups",
                mark("Sign-ups"),
                "/operator/signups",
                "people",
                "operator:signup:read",
            ),
            NavItem(
                "operator.dead_letters",
                mark("Dead letters"),
                "/operator/dead-letters",
                "upload",
                "operator:dead_letter:read",
            ),
            NavItem(
                "operator.stuck",
                mark("What stands still"),
                "/operator/stuck-items",
                "clock",
                "operator:dead_letter:read",
            ),
            NavItem(
                "operator.support",
                mark("Support access"),
                "/operator/support",
                "eye",
                "operator:support:read",
            ),
            NavItem(
                "operator.costs",
                mark("Costs of all companies"),
                "/operator/costs",
                "coins",
                "operator:cost:read",
            ),
        ),
    ),
    NavGroup(
        mark("Company"),
        (
            NavItem("companies", mark("Companies"), "/companies", "company"),
            NavItem("people", mark("Users"), "/people", "people", "workspace:user:read"),
            NavItem("api_keys", mark("API keys"), "/api-keys", "key", "workspace:api_key:read"),
            NavItem("webhooks", mark("Webhooks"), "/webhooks", "link", "workspace:webhook:read"),
            NavItem("events", mark("Event log"), "/events", "history", "workspace:event:read"),
            NavItem(
                "api_docs", mark("API description"), "/api-docs", "link", "workspace:event:read"
            ),
            NavItem("privacy", mark("Privacy"), "/privacy", "eye", "workspace:privacy:read"),
            NavItem(
                "support",
                mark("Support access"),
                "/support-access",
                "eye",
                "workspace:support:read",
            ),
            NavItem("evidence", mark("Evidence"), "/evidence", "lock", "workspace:audit:verify"),
            NavItem("costs", mark("Costs"), "/costs", "coins", "workspace:cost:read"),
        ),
    ),
)
"""Groups and entries in the order in which they are drawn."""


OF_OPERATORS: Final = "operator:"
"""Rights that need no company; every other entry is about the one the reader works for."""


def visible_entries(may: Callable[[str], bool], *, in_company: bool) -> frozenset[str]:
    """Rights named by the navigation that the reader holds, for ``View.permissions``.

    Whoever works for no company is not offered what only asks to choose one.
    """
    named = {item.permission for group in CONSOLE for item in group.items if item.permission}
    return frozenset(
        permission
        for permission in named
        if may(permission) and (in_company or permission.startswith(OF_OPERATORS))
    )
