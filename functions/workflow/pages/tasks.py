"""The inbox, and one approval on one screen: what, how much, why, who decided, and the decision."""

from collections.abc import Callable
from typing import Final

from kernel.errors import KopruError, NotFoundError
from kernel.why import Why
from toolkit.auth import has_proved
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import Chip, Column
from webkit.i18n import mark
from workflow.application.approvals.act_on_task import Decision
from workflow.application.approvals.list_tasks import Whose
from workflow.bootstrap import Workflow
from workflow.domain.approvals.approval import Approval, approval_of_task
from workflow.domain.approvals.chain import Person
from workflow.domain.rules.record import explain
from workflow.pages.acting import cleaned, person_of
from workflow.pages.kit import Kit, go, paging_of, position_in, use_of
from workflow.pages.task_words import SayTask
from workflow.pages.words import words_of

SECTION: Final = "workflow.tasks"
HISTORY: Final = "workflow.approvals"
_READ: Final = "workflow:task:read"
_DECIDE: Final = "workflow:task:decide"
_ROWS: Final = 50
DONE: Final = {
    "decided": mark("Your decision is recorded."),
    "sent_back": mark("The work went back."),
    "asked": mark("Your question was sent."),
    "answered": mark("Your answer was sent."),
    "delegated": mark("The task was given on."),
    "reassigned": mark("Others are asked now."),
    "withdrawn": mark("The request was withdrawn."),
    "commented": mark("Your remark was added."),
}


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the inbox, the history and the page of an approval."""

    @app.page("GET", "/workflow/tasks", permission=_READ)
    def show_inbox(request: Request) -> Reply:
        """Tasks by deadline: mine, my group's, all."""
        words, use = words_of(request), use_of(request)
        wanted = request.query.get("whose", "")
        whose = Whose(wanted) if wanted in set(Whose) else Whose.GROUP
        position = position_in(request, whose=whose.value)
        tasks, following = use.list_tasks()(person_of(request), whose, _ROWS, position)
        say = SayTask(words, use.approvals.colleagues())
        names = {
            Whose.GROUP: words.text("For my group"),
            Whose.MINE: words.text("For me"),
            Whose.ALL: words.text("All"),
        }
        chips = [
            Chip(label, f"/workflow/tasks?whose={one.value}", active=one is whose)
            for one, label in names.items()
        ]
        columns = (
            Column("what", words.text("What")),
            Column("amount", words.text("Amount"), numeric=True),
            Column("level", words.text("Stage")),
            Column("due", words.text("Decide by")),
            Column("state", words.text("State")),
        )
        return kit.draw(
            request,
            "tasks/inbox.html",
            SECTION,
            say=say,
            tasks=tasks,
            chips=chips,
            columns=columns,
            whose=whose.value,
            now=use.approval_scope.now,
            paging=paging_of(request, len(tasks), following, whose=whose.value),
        )

    @app.page("GET", "/workflow/approvals", permission="workflow:approval:read")
    def show_approvals(request: Request) -> Reply:
        """Approvals that are open, or that have ended, newest first."""
        words, use = words_of(request), use_of(request)
        closed = request.query.get("status") == "closed"
        status = "closed" if closed else "open"
        position = position_in(request, status=status)
        found, following = use.approvals.approvals(
            open_ones=not closed, limit=_ROWS, after=position
        )
        columns = (
            Column("what", words.text("What")),
            Column("amount", words.text("Amount"), numeric=True),
            Column("asked", words.text("Asked")),
            Column("round", words.text("Round"), numeric=True),
            Column("state", words.text("State")),
        )
        chips = [
            Chip(words.text("open"), "/workflow/approvals", active=not closed),
            Chip(words.text("ended"), "/workflow/approvals?status=closed", active=closed),
        ]
        return kit.draw(
            request,
            "approvals/list.html",
            HISTORY,
            say=SayTask(words, use.approvals.colleagues()),
            approvals=found,
            columns=columns,
            chips=chips,
            paging=paging_of(request, len(found), following, status=status),
        )

    def page(
        request: Request, approval_id: str, error: KopruError | None = None, asked: str = ""
    ) -> Reply:
        use, words = use_of(request), words_of(request)
        person = person_of(request)
        approval, one = use.read_approval()(approval_id, person)
        people = use.approvals.colleagues()
        say = SayTask(words, people).knows(approval)
        task = approval.task
        stage = approval.stage_of(task) if task is not None else None
        return kit.draw(
            request,
            "approvals/approval.html",
            SECTION,
            error=error,
            done=DONE,
            say=say,
            approval=approval,
            task=task,
            stage=stage,
            one=one,
            now=use.approval_scope.now,
            entries=say.entries(use.approvals.history(f"approval:{approval.id}"), approval),
            why=[say.why(each) for each in whys_of(use, approval)],
            asked=bool(task and any(not each.answer for each in task.questions)),
            mine=approval.requested_by == person.id,
            others=[each for each in people if each.id not in (person.id, approval.requested_by)],
            wants_proof=bool(stage and stage.reauthenticate)
            and not has_proved(request.principal, use.approval_scope.now),
            form=request.form() if asked else {},
        )

    @app.page("GET", "/workflow/approvals/{id}", permission=_READ)
    def show_approval(request: Request) -> Reply:
        """One approval; what may be done with it depends on who looks."""
        return page(request, request.id())

    def act(
        request: Request, done: str, do: Callable[[Workflow, Person, dict[str, str]], Approval]
    ) -> Reply:
        approval_id = request.id()
        # Without a task it is one that never was: the same answer as for a foreign approval.
        form = {"task": f"{approval_id}-0-0", **request.form()}
        try:
            if approval_of_task(form["task"]) != approval_id:
                raise NotFoundError("not_found", "There is no such item.")
            do(use_of(request), person_of(request), form)
        except KopruError as error:
            if error.code in ("not_found", "forbidden"):
                raise
            return page(request, approval_id, error, asked=done)
        return go(f"/workflow/approvals/{approval_id}", done=done)

    @app.page("POST", "/workflow/approvals/{id}/decision", permission=_DECIDE)
    def decide(request: Request) -> Reply:
        """Approve or reject."""

        def do(use: Workflow, person: Person, form: dict[str, str]) -> Approval:
            approve = form.get("outcome") == "approve"
            reason = cleaned(form, "reason")
            is_proved = has_proved(request.principal, use.approval_scope.now)
            decision = Decision(approve, reason, is_proved)
            return use.decide_task()(form.get("task", ""), person, decision)

        return act(request, "decided", do)

    @app.page("POST", "/workflow/approvals/{id}/return", permission=_DECIDE)
    def send_back(request: Request) -> Reply:
        """Send back to an earlier stage or to who asked."""
        return act(
            request,
            "sent_back",
            lambda use, person, form: use.act_on_task().send_back(
                form.get("task", ""),
                person,
                _number(form.get("stage", "")),
                cleaned(form, "reason"),
            ),
        )

    @app.page("POST", "/workflow/approvals/{id}/question", permission=_DECIDE)
    def ask(request: Request) -> Reply:
        """Ask who asked."""
        return act(
            request,
            "asked",
            lambda use, person, form: use.act_on_task().ask(
                form.get("task", ""), person, cleaned(form, "question")
            ),
        )

    @app.page("POST", "/workflow/approvals/{id}/answer", permission="workflow:approval:request")
    def answer(request: Request) -> Reply:
        """Answer the question."""
        return act(
            request,
            "answered",
            lambda use, person, form: use.act_on_task().answer(
                form.get("task", ""), person, cleaned(form, "answer")
            ),
        )

    @app.page("POST", "/workflow/approvals/{id}/delegate", permission=_DECIDE)
    def delegate(request: Request) -> Reply:
        """Give the task to a colleague."""
        return act(
            request,
            "delegated",
            lambda use, person, form: use.act_on_task().delegate(
                form.get("task", ""), person, form.get("to", "")
            ),
        )

    @app.page("POST", "/workflow/approvals/{id}/reassign", permission="workflow:task:reassign")
    def reassign(request: Request) -> Reply:
        """Name somebody else (an administrator)."""
        return act(
            request,
            "reassigned",
            lambda use, person, form: use.act_on_task().reassign(
                form.get("task", ""), person, (form["to"],) if form.get("to") else ()
            ),
        )

    @app.page("POST", "/workflow/approvals/{id}/withdraw", permission="workflow:approval:request")
    def withdraw(request: Request) -> Reply:
        """Take it back."""
        return act(
            request,
            "withdrawn",
            lambda use, person, form: use.withdraw_approval()(
                request.id(), person, cleaned(form, "reason")
            ),
        )

    @app.page("POST", "/workflow/approvals/{id}/comment", permission="workflow:approval:read")
    def comment(request: Request) -> Reply:
        """Add a remark."""
        return act(
            request,
            "commented",
            lambda use, person, form: use.act_on_task().comment(
                request.id(), person, cleaned(form, "text")
            ),
        )


def whys_of(use: Workflow, approval: Approval) -> list[Why]:
    """The reasons of the decision that chose the chain."""
    decision_id = approval.chain.policy.get("decision_id")
    if not decision_id:
        return []
    record = use.store.decision(str(decision_id))
    table = use.scope.version(record.table, record.version_id).table
    return list(
        explain(
            table,
            rule=record.rule,
            valid_on=record.valid_on,
            outcome=record.outcome,
            rows=record.rows,
            hits=record.hits,
            parameters=record.parameters,
        )
    )


def _number(text: str) -> int:
    return int(text) - 1 if text.isascii() and text.isdigit() and len(text) < 3 else 99
