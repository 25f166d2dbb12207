"""The report of pending approvals and their durations."""

from typing import Final

from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import Column
from workflow.domain.approvals.report import AGES
from workflow.pages.acting import days_of
from workflow.pages.kit import Kit, use_of
from workflow.pages.task_words import SayTask
from workflow.pages.words import words_of

SECTION: Final = "workflow.approvals"


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the report."""

    @app.page("GET", "/workflow/reports/approvals", permission="workflow:report:read")
    def show_report(request: Request) -> Reply:
        """What waits, how long it took, why work was sent back."""
        words, use = words_of(request), use_of(request)
        first, last = days_of(request, use.approval_scope.now)
        text = words.text
        pending = (
            Column("level", text("Stage")),
            Column("who", text("Who is asked")),
            Column("count", text("Open"), numeric=True),
            Column("late", text("Late"), numeric=True),
            Column("day", text("up to a day"), numeric=True),
            Column("three", text("up to 3 days"), numeric=True),
            Column("week", text("up to a week"), numeric=True),
            Column("older", text("older"), numeric=True),
        )
        stages = (
            Column("kind", text("What")),
            Column("level", text("Stage")),
            Column("count", text("Decided tasks"), numeric=True),
            Column("average", text("Average"), numeric=True),
            Column("p90", text("9 of 10 within"), numeric=True),
            Column("late", text("Late"), numeric=True),
        )
        rejections = (
            Column("reason", text("Reason")),
            Column("level", text("Stage")),
            Column("count", text("Times"), numeric=True),
        )
        return kit.draw(
            request,
            "reports/approvals.html",
            SECTION,
            say=SayTask(words, use.approvals.colleagues()),
            report=use.read_report()(first, last),
            first=first,
            last=last,
            ages=AGES,
            pending_columns=pending,
            stage_columns=stages,
            reject_columns=rejections,
        )
