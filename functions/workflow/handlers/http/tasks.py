"""Tasks: the inbox, decisions, and what else may be done with one (WFL-05)."""

from kernel.errors import NotFoundError, ValidationError
from kernel.ids import is_id
from toolkit.auth import has_proved
from toolkit.entrypoints.http import Reply, Request, etag
from toolkit.http.files import file_reply
from workflow.application.approvals.act_on_task import Decision
from workflow.application.approvals.list_tasks import Whose
from workflow.bootstrap import Workflow
from workflow.domain.approvals.approval import Approval, Task, approval_of_task
from workflow.handlers.http.app import app, page_reply, use_of
from workflow.handlers.http.approval_answers import task_out
from workflow.handlers.http.approvals import approval_reply
from workflow.pages.acting import person_of
from workflow.schemas import (
    DecisionIn,
    DelegateIn,
    QuestionIn,
    ReassignIn,
    ReturnIn,
    TaskAnswerIn,
)

_READ = "workflow:task:read"
_DECIDE = "workflow:task:decide"
_BASE = "/v1/workflow/tasks"
_ONE = f"{_BASE}/{{task_id}}"


def task_name(request: Request) -> str:
    """Name of a task in the address; anything else is the same 404 as a foreign one."""
    text = request.path_values["task_id"]
    parts = text.split("-")
    if len(text) > 40 or len(parts) != 3 or not all(part.isalnum() for part in parts):
        raise NotFoundError("not_found", "There is no such item.")
    return text


def _approval_named(request: Request) -> str:
    """Id of the approval of a task; an approval's own id names the task it has come to."""
    name = request.path_values["task_id"]
    return name if is_id(name) else approval_of_task(task_name(request))


def _task_named(request: Request, approval: Approval) -> Task:
    name = request.path_values["task_id"]
    if name != approval.id:
        return approval.task_by_id(name)
    if not approval.tasks:
        raise NotFoundError("not_found", "There is no such item.")
    return approval.tasks[-1]


def whose_of(request: Request) -> Whose:
    """``?whose=mine|group|all`` or the bare word of api.md (``?mine``)."""
    said = request.query.get("whose", "")
    bare = [name for name in ("mine", "group", "all") if name in request.query]
    try:
        return Whose(said or (bare[0] if bare else "mine"))
    except ValueError:
        raise ValidationError("whose_invalid", "whose is mine, group or all.") from None


def _shown(request: Request, use: Workflow, approval: Approval) -> Reply:
    _, one = use.read_approval()(approval.id, person_of(request))
    return approval_reply(use, approval, one)


@app.api("GET", _BASE, permission=_READ)
def list_tasks(request: Request) -> Reply:
    """Open tasks by deadline: mine, my group's, or all."""
    use, person, whose = use_of(request), person_of(request), whose_of(request)
    return page_reply(
        request,
        lambda limit, after: use.list_tasks()(person, whose, limit, after),
        lambda one: task_out(one, one.approval, one.task, use.approval_scope.now),
        whose=whose.value,
    )


@app.api("GET", _ONE, permission=_READ)
def show_task(request: Request) -> Reply:
    """One task: what, how much, who asked, what was decided before, and whether it is yours."""
    use = use_of(request)
    approval, one = use.read_approval()(_approval_named(request), person_of(request))
    task = _task_named(request, approval)
    body = task_out(one, approval, task, use.approval_scope.now)
    return Reply(body, 200, {"etag": etag(approval.stamp.version)})


@app.api("POST", f"{_ONE}/decision", permission=_DECIDE)
def decide_task(request: Request) -> Reply:
    """Approve or reject; the second of two gets 409 with what was recorded."""
    use, body = use_of(request), request.json(DecisionIn)
    is_proved = has_proved(request.principal, use.approval_scope.now)
    decision = Decision(body.outcome == "approve", body.reason, is_proved, body.signature.encode())
    approval = use.decide_task()(task_name(request), person_of(request), decision)
    return _shown(request, use, approval)


@app.api("GET", f"{_ONE}/statement", permission=_DECIDE)
def show_statement(request: Request) -> Reply:
    """The bytes to sign for ``?outcome=approve`` or ``reject``, as they are now."""
    use = use_of(request)
    approval = use.approvals.approval(_approval_named(request))
    task, outcome = _task_named(request, approval), request.query.get("outcome", "approve")
    statement = use.state_decision()(approval, task.id, person_of(request), outcome)
    return file_reply(statement)


@app.api("POST", f"{_ONE}/return", permission=_DECIDE)
def return_task(request: Request) -> Reply:
    """Send the work back to an earlier stage, or to who asked."""
    use, body = use_of(request), request.json(ReturnIn)
    approval = use.act_on_task().send_back(
        task_name(request), person_of(request), body.stage - 1, body.reason
    )
    return _shown(request, use, approval)


@app.api("POST", f"{_ONE}/questions", permission=_DECIDE)
def ask_about_task(request: Request) -> Reply:
    """Ask who asked; the clock may stand still until the answer."""
    use, body = use_of(request), request.json(QuestionIn)
    approval = use.act_on_task().ask(task_name(request), person_of(request), body.question)
    return _shown(request, use, approval)


@app.api("POST", f"{_ONE}/answers", permission="workflow:approval:request")
def answer_question(request: Request) -> Reply:
    """Answer the open question."""
    use, body = use_of(request), request.json(TaskAnswerIn)
    approval = use.act_on_task().answer(task_name(request), person_of(request), body.answer)
    return _shown(request, use, approval)


@app.api("POST", f"{_ONE}/delegate", permission=_DECIDE)
def delegate_task(request: Request) -> Reply:
    """Give one task to somebody else, who decides on your behalf."""
    use, body = use_of(request), request.json(DelegateIn)
    approval = use.act_on_task().delegate(task_name(request), person_of(request), body.to)
    return _shown(request, use, approval)


@app.api("POST", f"{_ONE}/reassign", permission="workflow:task:reassign")
def reassign_task(request: Request) -> Reply:
    """Name other candidates (an administrator)."""
    use, body = use_of(request), request.json(ReassignIn)
    approval = use.act_on_task().reassign(
        task_name(request), person_of(request), tuple(body.candidates)
    )
    return _shown(request, use, approval)
