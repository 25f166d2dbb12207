"""All pages of this context, declared on its HTTP application."""

from toolkit.entrypoints.http import HttpApp
from workflow.pages import (
    approval_report,
    decisions,
    delegations,
    parameters,
    process_definitions,
    processes,
    proposals,
    rule_editor,
    rule_try,
    rule_versions,
    rules,
    signing,
    subjects,
    tasks,
    trust,
)
from workflow.pages.kit import Kit

_PARTS = (
    rules,
    rule_editor,
    rule_versions,
    rule_try,
    parameters,
    decisions,
    processes,
    process_definitions,
    proposals,
    subjects,
    tasks,
    signing,
    trust,
    delegations,
    approval_report,
)


def declare(app: HttpApp) -> None:
    """Add every page of this context to ``app``."""
    kit = Kit(app)
    for part in _PARTS:
        part.declare(app, kit)
