"""The door of counterparties: every page of it, apart from the pages of staff."""

from reconciliation.bootstrap import application
from reconciliation.pages.portal import account, entry, mails, months, room
from reconciliation.pages.portal.kit import PortalKit, error_page
from reconciliation.pages.words import problem_text
from toolkit.entrypoints.http import HttpApp

app: HttpApp = HttpApp(
    "reconciliation",
    base_url=lambda: application().settings.common.base_url,
    csrf_key=lambda: application().portal.csrf_key(),
    origin=lambda: application().settings.common.origin,
    error_page=error_page,
    translate=problem_text,
)
kit = PortalKit(app)
entry.declare(kit)
account.declare(kit)
months.declare(kit)
room.declare(kit)
mails.declare(kit)
