"""Letters by mail: to any address that says yes, every month to who subscribed (REC-04)."""

from kernel.errors import (
    ConflictError,
    KopruError,
    NotFoundError,
    TooManyRequestsError,
    ValidationError,
)
from kernel.sensitive import Secret
from reconciliation.application.portal_entry import Guest, link_invalid
from reconciliation.bootstrap import application
from reconciliation.domain.contact import Contact
from reconciliation.domain.counterparty import Counterparty
from reconciliation.pages.portal.kit import PortalKit, go, status_of, use_of
from toolkit.entrypoints.http import Reply, Request

_PATH = "/portal/mails"
_WISH_ERRORS = (ValidationError, ConflictError, TooManyRequestsError)


def declare(kit: PortalKit) -> None:
    """Add the pages of mails."""

    def shown(request: Request, guest: Guest, error: KopruError | None = None) -> Reply:
        contacts = use_of(guest).store.contacts(guest.counterparty.id)
        form = request.form() if request.method == "POST" else {}
        values = {"contacts": contacts.items, "email": form.get("email", "")}
        status = status_of(error) if error else 200
        template = "portal/mails.html"
        return kit.draw(
            request, template, values, guest=guest, section="mails", status=status, error=error
        )

    @kit.page("GET", _PATH)
    def show_mails(request: Request, guest: Guest) -> Reply:
        """Addresses and who gets the monthly mail."""
        return shown(request, guest)

    @kit.page("POST", f"{_PATH}/subscriptions")
    def subscribe(request: Request, guest: Guest) -> Reply:
        """Order the monthly mail for an address."""
        typed = request.form().get("email", "")
        try:
            done = use_of(guest).wishes().subscribe(guest.counterparty, typed)
        except _WISH_ERRORS as error:
            return shown(request, guest, error)
        return go(_PATH, done="subscribed" if done else "confirm")

    @kit.page("POST", f"{_PATH}/{{key}}/unsubscribe")
    def unsubscribe(request: Request, guest: Guest) -> Reply:
        """End the monthly mail to an address."""
        use_of(guest).wishes().unsubscribe(guest.counterparty.id, request.path_values["key"])
        return go(_PATH, done="unsubscribed")

    @kit.page("POST", f"{_PATH}/{{key}}/remove")
    def remove(request: Request, guest: Guest) -> Reply:
        """Forget an address."""
        use_of(guest).wishes().remove(guest.counterparty.id, request.path_values["key"])
        return go(_PATH, done="removed")

    @kit.page("POST", "/portal/months/{id}/mail")
    def mail_letter(request: Request, guest: Guest) -> Reply:
        """Mail the letter of a month to an address."""
        use = use_of(guest)
        letter = use.read_months().one(guest.counterparty, request.id())
        try:
            typed = request.form().get("email", "")
            done = use.wishes().send_letter(guest.counterparty, letter, typed)
        except _WISH_ERRORS as error:
            return shown(request, guest, error)
        return go(f"/portal/months/{letter.id}", done="mailed" if done else "confirm")

    def named(request: Request) -> tuple[Guest, Contact]:
        """The address behind a link. Raises: NotFoundError, whatever the reason."""
        token = Secret(request.path_values["token"])
        tenant_id, counterparty_id, key = application().portal.open_confirmation()(token)
        use = application().portal.of(tenant_id, f"counterparty:{counterparty_id}")
        try:
            card: Counterparty = use.store.counterparty(counterparty_id)
        except NotFoundError:
            raise link_invalid() from None
        access = use.access.access(counterparty_id)
        contact = use.store.contacts(counterparty_id).get(key)
        if contact is None or access is None:
            raise link_invalid()
        return Guest(tenant_id, card, access), contact

    def page_of(request: Request, template: str) -> Reply:
        try:
            guest, contact = named(request)
        except NotFoundError as error:
            return kit.draw(request, "portal/dead_letter.html", status=404, error=error)
        values = {"contact": contact, "done": request.query.get("ended") == "1"}
        bound = f"contact:{contact.key}"
        return kit.draw(request, template, values, guest=guest, bound=bound)

    @kit.public("GET", "/portal/confirmations/{token}")
    def show_confirmation(request: Request) -> Reply:
        """Who asked for what; opening it changes nothing."""
        return page_of(request, "portal/confirm.html")

    @kit.public("POST", "/portal/confirmations/{token}")
    def confirm(request: Request) -> Reply:
        """The address says yes."""
        try:
            guest, contact = named(request)
        except NotFoundError as error:
            return kit.draw(request, "portal/dead_letter.html", status=404, error=error)
        use_of(guest).wishes().confirm(guest.counterparty, contact.key)
        return go(request.path, ended="1")

    @kit.public("GET", "/portal/subscriptions/{token}")
    def show_subscription(request: Request) -> Reply:
        """A monthly mail and how to end it; opening it changes nothing."""
        return page_of(request, "portal/subscription.html")

    @kit.public("POST", "/portal/subscriptions/{token}")
    def end_subscription(request: Request) -> Reply:
        """End the monthly mail: by the page's button, or by the reader's mail program in one
        click (RFC 8058).
        """
        try:
            guest, contact = named(request)
        except NotFoundError as error:
            return kit.draw(request, "portal/dead_letter.html", status=404, error=error)
        use_of(guest).wishes().unsubscribe(guest.counterparty.id, contact.key)
        if "List-Unsubscribe" in request.form():
            return Reply("", 200, {}, "text/plain; charset=utf-8")  # a program, not a reader
        return go(request.path, ended="1")
