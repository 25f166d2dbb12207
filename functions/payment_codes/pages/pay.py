"""The public page of a payer: the code to copy, and nothing else about the customer (PAY-05)."""

from payment_codes.bootstrap import application
from payment_codes.pages.words import ZONE, Say, renderer
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.reader import language_of, reply, view_of


def declare(app: HttpApp) -> None:
    """Add the page; it has a door of its own without any right to write."""

    @app.page("GET", "/pay/{token}", permission=None)
    def show_pay_page(request: Request) -> Reply:
        """Payee, purpose, amount, code in groups of four, last day, state."""
        shown = application().show_pay_page()(request.path_values["token"])
        language = language_of(request, shown.language)
        words = renderer().language(language)
        view = view_of(app, request, language=language, zone=ZONE)
        page = renderer().page(
            "pay/pay.html",
            view,
            sender=shown.payee,
            pay=shown,
            payable=shown.is_payable,
            say=Say(words),
        )
        return reply(page)
