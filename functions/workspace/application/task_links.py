"""Links in mails about tasks: opening one shows what the mail said, and decides nothing.

The task itself and its decision are behind the sign-in, at the context that asks. The link is used
up by going on from it; scanners only open.
"""

from dataclasses import dataclass

from kernel.errors import ForbiddenError, NotFoundError
from kernel.sensitive import Secret
from kernel.storing import WriteRefusedError
from toolkit.auth import TenantContext
from workspace.application.accept_invitation import LINK_LIMIT, LINK_WINDOW
from workspace.application.show_link import link_invalid
from workspace.application.switch_tenant import SwitchTenant
from workspace.domain.attention import Attention
from workspace.domain.link import Link, LinkPurpose
from workspace.ports import Digest, SystemStore, Throttle


@dataclass(frozen=True, slots=True)
class TaskLinkView:
    """What a link in a mail about a task leads to."""

    link: Link
    company: str
    task: Attention


@dataclass(frozen=True, slots=True)
class ShowTaskLink:
    """Reads a task by the token of a mail."""

    store: SystemStore
    switch: SwitchTenant
    digest: Digest

    def __call__(self, token: Secret) -> TaskLinkView:
        """Raises: NotFoundError("link_invalid"), whatever the reason: a wrong, used or old link, a
        task that is decided, a mandate that has ended.
        """
        link = self.store.link(self.digest(token.reveal("look up a link")))
        if link is None or not link.is_open(LinkPurpose.TASK, self.switch.clock.now()):
            raise link_invalid()
        company = self.store.company(TenantContext(link.tenant_id, f"user:{link.person_id}"))
        task = company.find_attention(link.item)
        _, membership, tenant = self.store.standing(link.person_id, link.tenant_id)
        now = self.switch.clock.now()
        if task is None or not task.waits(now) or membership is None or tenant is None:
            raise link_invalid()
        if not membership.counts_on(self.switch.clock.today(tenant.zone)):
            raise link_invalid()
        return TaskLinkView(link, tenant.name, task)


@dataclass(frozen=True, slots=True)
class FollowTaskLink:
    """Uses the link up and makes its company the one the person works for."""

    store: SystemStore
    show: ShowTaskLink
    throttle: Throttle

    def __call__(self, token: Secret, person_id: str, session_digest: str) -> TaskLinkView:
        """Raises: NotFoundError("link_invalid"); ForbiddenError("link_of_another") for anybody but
        the reader of the mail; TooManyRequestsError after ten tries in an hour.
        """
        self.throttle.hit(
            "link",
            self.show.digest(token.reveal("count tries of a link")),
            limit=LINK_LIMIT,
            window_seconds=LINK_WINDOW,
        )
        view = self.show(token)
        link = view.link
        if link.person_id != person_id:
            raise ForbiddenError("link_of_another", "This mail went to somebody else.")
        try:
            self.show.switch(person_id, session_digest, link.tenant_id)
        except NotFoundError:
            raise link_invalid() from None
        context = TenantContext(link.tenant_id, f"user:{person_id}", link.digest[:16])
        unit = self.store.company(context).unit()
        unit.use_link(link)
        try:
            unit.commit()
        except WriteRefusedError:
            raise link_invalid() from None
        return view
