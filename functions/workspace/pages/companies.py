"""All companies of one person at a glance: which is not done, and on to it."""

from typing import Final

from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import Chip, Column, Status, Tone
from webkit.i18n import Language
from webkit.urls import link
from workspace.domain.glance import Standing, matching
from workspace.pages.kit import Kit, signed_in, use
from workspace.pages.words import role_name, words_of

_TONES: Final = {
    Standing.OVERDUE: Tone.ERROR,
    Standing.TROUBLE: Tone.WARNING,
    Standing.OPEN: Tone.INFO,
    Standing.DONE: Tone.OK,
    Standing.CLOSED: Tone.NEUTRAL,
}


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the page."""

    @app.page("GET", "/companies", permission=None)
    def list_companies(request: Request) -> Reply:
        """Which client is not done."""
        words = words_of(request)
        everything = use().oversee_companies()(signed_in(request), request.principal.session_hash)
        typed = request.query.get("q", "").strip()
        wish = request.query.get("show", "")
        show = wish if wish in ("open", "done") else ""
        found = matching(everything, typed)
        shown = [each for each in found if not show or each.is_done == (show == "done")]
        waiting = sum(not each.is_done for each in found)
        choices = (
            ("", words.text("All"), len(found)),
            ("open", words.text("Not done"), waiting),
            ("done", words.text("Done"), len(found) - waiting),
        )
        columns = (
            Column("company", words.text("Company")),
            Column("standing", words.text("State")),
            Column("exceptions", words.text("Exceptions"), numeric=True),
            Column("overdue", words.text("Overdue"), numeric=True),
            Column("next", words.text("Next deadline")),
            Column("roles", words.text("Roles")),
            Column("until", words.text("Mandate until")),
            Column("act", words.text("Actions"), hide_label=True),
        )
        values = {
            "companies": shown,
            "columns": columns,
            "badges": {
                each.tenant.id: Status(_name(words, each.standing), _TONES[each.standing])
                for each in shown
            },
            "roles": {
                each.tenant.id: ", ".join(role_name(words, role) for role in each.membership.roles)
                for each in shown
            },
            "chips": [
                Chip(label, link("/companies", show=code, q=typed), count, active=show == code)
                for code, label, count in choices
            ],
            "total": len(everything),
            "current": request.principal.tenant_id,
            "barred": bool(request.principal.barred),
        }
        return kit.draw(request, "settings/companies.html", "companies", values)


def _name(words: Language, standing: Standing) -> str:
    return {
        Standing.OVERDUE: words.text("overdue"),
        Standing.TROUBLE: words.text("needs somebody"),
        Standing.OPEN: words.text("deadline ahead"),
        Standing.DONE: words.text("done"),
        Standing.CLOSED: words.text("second factor needed"),
    }[standing]
