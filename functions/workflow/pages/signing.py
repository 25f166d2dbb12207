"""Deciding with a signature of one's own: fetch the statement, sign it elsewhere, hand it in."""

from typing import Any, Final

from kernel.errors import KopruError, NotFoundError
from toolkit.auth import has_proved
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.files import file_reply
from workflow.application.approvals.act_on_task import Decision
from workflow.bootstrap import Workflow, application
from workflow.domain.approvals.approval import Approval, Task
from workflow.pages.acting import cleaned, person_of
from workflow.pages.kit import Kit, go, use_of
from workflow.pages.task_words import SayTask
from workflow.pages.words import words_of

SECTION: Final = "workflow.tasks"
_DECIDE: Final = "workflow:task:decide"
_ONE: Final = "/workflow/approvals/{id}"
_OUTCOME: Final = "approve"


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of signing."""

    def found(request: Request) -> tuple[Workflow, Approval, Task]:
        use = use_of(request)
        approval = use.approvals.approval(request.id())
        if approval.task is None:
            raise NotFoundError("not_found", "There is no such item.")
        return use, approval, approval.task

    def draw(request: Request, template: str, error: KopruError | None, **values: Any) -> Reply:
        use, approval, task = found(request)
        say = SayTask(words_of(request), use.approvals.colleagues()).knows(approval)
        return kit.draw(
            request, template, SECTION, error=error, say=say, approval=approval, task=task, **values
        )

    @app.page("GET", f"{_ONE}/statement", permission=_DECIDE)
    def show_statement(request: Request) -> Reply:
        """The file to sign."""
        use, approval, task = found(request)
        return file_reply(use.state_decision()(approval, task.id, person_of(request), _OUTCOME))

    @app.page("GET", f"{_ONE}/sign", permission=_DECIDE)
    def choose_signature(request: Request) -> Reply:
        """Two steps: the file out, the signature back; also without JavaScript."""
        use, approval, _ = found(request)
        upload_id = use.scope.ids.new()
        site = application().settings.common.base_url.rstrip("/")
        room = use.files.room(
            upload_id, back_to=f"{site}/workflow/approvals/{approval.id}/signed/{upload_id}"
        )
        return draw(request, "approvals/sign.html", None, room=room, upload_to=room.url)

    def signed(request: Request, error: KopruError | None = None) -> Reply:
        use, _, task = found(request)
        upload_id = request.id("upload_id")
        content = use.files.upload(upload_id).content
        checked: dict[str, Any] = {}
        if error is None:
            try:
                checked = dict(use.read_signature()(task.id, person_of(request), content))
            except KopruError as refused:
                error = refused
        return draw(
            request,
            "approvals/signed.html",
            error,
            upload_id=upload_id,
            checked=checked,
            form=request.form() if request.method == "POST" else {},
        )

    @app.page("GET", f"{_ONE}/signed/{{upload_id}}", permission=_DECIDE)
    def show_signature(request: Request) -> Reply:
        """What is known of the signature; nothing is decided yet."""
        return signed(request)

    @app.page("POST", f"{_ONE}/signed/{{upload_id}}", permission=_DECIDE)
    def approve_signed(request: Request) -> Reply:
        """Approve with the signature that was handed in."""
        use, approval, task = found(request)
        content = use.files.upload(request.id("upload_id")).content
        is_proved = has_proved(request.principal, use.approval_scope.now)
        try:
            reason = cleaned(request.form(), "reason")
            decision = Decision(True, reason, is_proved, content)
            use.decide_task()(task.id, person_of(request), decision)
        except KopruError as error:
            return signed(request, error)
        return go(f"/workflow/approvals/{approval.id}", done="decided")
