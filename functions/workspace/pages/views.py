"""Saved views: the list, the form behind "save this view", and the address one shares."""

from kernel.errors import ForbiddenError, KopruError, RuleViolationError, ValidationError
from kernel.sensitive import Secret
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import Column
from webkit.ics import CONTENT_TYPE, DayEvent, write_calendar
from webkit.urls import link, local_path, relink
from workspace.application.deadline_feed import DeadlineView
from workspace.pages.kit import Kit, read_form, signed_in, status_of, use
from workspace.pages.words import attention_summary, money, redirect, renderer, words_of
from workspace.schemas import ViewIn

_LOOK = "workspace:today:read"


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages."""

    def view_list(request: Request, error: KopruError | None = None) -> Reply:
        person = signed_in(request)
        words = words_of(request)
        form = request.form() if request.method == "POST" else {}
        wish = form.get("url") or local_path(request.query.get("url"), "")
        columns = (
            Column("name", words.text("View")),
            Column("who", words.text("Who sees it")),
            Column("act", words.text("Actions"), hide_label=True),
        )
        values = {
            "views": use().list_views()(request.tenant, person),
            "columns": columns,
            "me": person,
            "form": form,
            # A page of a list is where somebody was, not what they looked for.
            "url": relink(wish, cursor=None, done=None) if wish else "",
        }
        return kit.draw(
            request, "views/list.html", "views", values, status=status_of(error), error=error
        )

    @app.page("GET", "/views", permission=_LOOK)
    def list_views(request: Request) -> Reply:
        """One's views; with ``?url=`` the form that saves one more."""
        return view_list(request)

    @app.page("POST", "/views", permission=_LOOK)
    def save_view(request: Request) -> Reply:
        """Save a view and go back to what it shows."""
        person = signed_in(request)
        try:
            body = read_form(request, ViewIn, shared=request.form().get("shared") == "1")
            view = use().save_view()(
                request.tenant, person, name=body.name, url=body.url, shared=body.shared
            )
        except (ValidationError, RuleViolationError) as error:
            return view_list(request, error)
        return redirect(relink(view.url, done="view_saved"))

    @app.page("GET", "/views/{id}", permission=_LOOK)
    def open_view(request: Request) -> Reply:
        """Go on to what a view shows: the address one shares with colleagues."""
        view = use().read_view()(request.tenant, signed_in(request), request.id())
        return redirect(view.url)

    @app.page("POST", "/views/{id}/remove", permission=_LOOK)
    def remove_view(request: Request) -> Reply:
        """Take a view away."""
        try:
            use().remove_view()(request.tenant, signed_in(request), request.id())
        except ForbiddenError as error:
            return view_list(request, error)
        return redirect(link("/views", done="view_removed"))

    # ------------------------------------------------------------------ deadlines

    @app.page("POST", "/settings/deadline-feed", permission=None)
    def renew_feed(request: Request) -> Reply:
        """A new secret address of one's deadlines, shown on this page only."""
        person = use().read_account()(signed_in(request)).person
        address = use().deadline_feed_link(use().renew_deadline_feed()(person))
        return kit.draw(request, "settings/deadline_feed.html", "settings", {"address": address})

    @app.page("POST", "/settings/deadline-feed/end", permission=None)
    def end_feed(request: Request) -> Reply:
        """Make the address worthless."""
        use().end_deadline_feed()(use().read_account()(signed_in(request)).person)
        return redirect(link("/settings", done="feed_ended"))

    @app.page("GET", "/deadlines/{token}", permission=None)
    def show_deadlines(request: Request) -> Reply:
        """Deadlines of all of somebody's companies, for calendar programs."""
        person, found = use().show_deadline_feed()(Secret(request.path_values["token"]))
        words = renderer().language(person.language)

        def event(view: DeadlineView) -> DayEvent:
            row = view.attention
            parts = (attention_summary(words, row), money(row.amount, words), view.tenant.name)
            uid = f"{view.tenant.id}-{row.key}@kopru.deadlines"
            assert row.due_on is not None  # noqa: S101  (that is what makes it a deadline)
            return DayEvent(uid, row.due_on, " · ".join(part for part in parts if part))

        body = write_calendar(
            map(event, found),
            now=use().platform.clock.now(),
            name=words.text("Deadlines"),
            product="Deadlines",
        )
        return Reply(body, 200, {"cache-control": "private, no-store"}, CONTENT_TYPE)
