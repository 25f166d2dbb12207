"""The start of the context: what is not done, and the pension companies we know."""

from pensions.domain.provider import Capability
from pensions.domain.provider_catalogue import PROVIDERS
from pensions.pages.kit import Kit, go, use_of
from pensions.pages.words import reading_language, words_of
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import Column
from webkit.reader import language_of


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the overview and the catalogue."""

    @app.page("GET", "/pensions", permission="pensions:contract:read")
    def start(_request: Request) -> Reply:
        """The context begins with its overview."""
        return go("/pensions/overview")

    @app.page("GET", "/pensions/overview", permission="pensions:contract:read")
    def show_overview(request: Request) -> Reply:
        """All contracts of the company with what is not done this month."""
        use = use_of(request)
        rows = use.show_overview()()
        words = words_of(request)
        columns = (
            Column("contract", words.text("Contract")),
            Column("state", words.text("Connection")),
            Column("people", words.text("Personnel"), numeric=True),
            Column("month", words.text("Wage month")),
            Column("payable", words.text("Payable"), numeric=True),
            Column("due", words.text("Pay by")),
            Column("open", words.text("Not done yet")),
        )
        return kit.draw(
            request,
            "overview.html",
            "pensions.overview",
            rows=rows,
            columns=columns,
            providers=PROVIDERS,
            today=use.scope.today(),
            unfinished=sum(1 for row in rows if row.open),
        )

    @app.page("GET", "/pensions/providers", permission="pensions:provider:read")
    def list_providers(request: Request) -> Reply:
        """The catalogue of pension companies with what each of them can do."""
        words = words_of(request)
        columns = (
            Column("name", words.text("Pension company")),
            Column("can", words.text("Web service")),
            Column("help", words.text("How the credentials reach you")),
        )
        return kit.draw(
            request,
            "providers.html",
            "pensions.providers",
            providers=list(PROVIDERS.values()),
            by_code=PROVIDERS,
            columns=columns,
            capabilities=list(Capability),
            today=use_of(request).scope.today(),
            reading=reading_language(language_of(request)),
        )
