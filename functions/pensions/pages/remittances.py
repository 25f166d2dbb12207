"""Pages of the bank order: what to pay, by when and why, to which account, as which file."""

from typing import Any, Final

from kernel.errors import ConflictError, KopruError, NotFoundError
from kernel.identifiers.iban import format_groups
from pensions.application.context import provider_of
from pensions.pages.kit import Kit, go, period_of, use_of
from pensions.pages.words import Say, explain, words_of
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.files import file_reply
from webkit.components import Column
from webkit.reader import language_of

FORMATS: Final = ("pain001", "csv", "pdf", "text")
_ROUTE: Final = "/pensions/contracts/{id}/remittances/{period}"


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of the bank order."""

    def draw(request: Request, error: KopruError | None = None) -> Reply:
        use = use_of(request)
        contract, period = use.store.contract(request.id()), period_of(request)
        provider = provider_of(contract)
        values: dict[str, Any] = {
            "contract": contract,
            "period": period,
            "provider": provider,
            "provider_name": provider.name_on(use.scope.today()),
            "today": use.scope.today(),
            "formats": FORMATS,
        }
        try:
            _, remittance = use.show_remittance()(contract.id, period)
        except ConflictError as not_yet:
            reason = Say(words_of(request)).problem(not_yet.code, not_yet.message)
            return kit.draw(request, "remittances/not_yet.html", reason=reason, **values)
        words = words_of(request)
        sanction = use.check_sanction()(contract, remittance)
        values |= {
            "sanction": sanction,
            "sanction_why": explain(sanction.why, language_of(request)),
            "remittance": remittance,
            "iban": format_groups(remittance.provider_iban) if remittance.provider_iban else "",
            "payer": format_groups(remittance.payer_iban) if remittance.payer_iban else "",
            "parts": [
                {"part": part, "why": explain(part.why, language_of(request))}
                for part in remittance.parts
            ],
            "why": [
                sentence
                for part in remittance.parts
                if part.due_on == remittance.due_on
                for sentence in explain(part.why, language_of(request))
            ],
            "columns": (
                Column("paid", words.text("Wage payment day")),
                Column("rows", words.text("Rows"), numeric=True),
                Column("amount", words.text("Amount"), numeric=True),
                Column("due", words.text("Pay by")),
            ),
        }
        if error is None:
            return kit.draw(request, "remittances/remittance.html", **values)
        return kit.form(request, "remittances/remittance.html", error, **values)

    @app.page("GET", _ROUTE, permission="pensions:remittance:read")
    def show_remittance(request: Request) -> Reply:
        """The bank order of a month, or why there is none yet."""
        return draw(request)

    @app.page("GET", _ROUTE + "/files/{format}", permission="pensions:remittance:read")
    def download(request: Request) -> Reply:
        """The bank order as a file."""
        chosen = request.path_values["format"]
        if chosen not in FORMATS:
            raise NotFoundError("not_found", "There is no such item.")
        use = use_of(request)
        contract, remittance = use.show_remittance()(request.id(), period_of(request))
        use.check_sanction().require(contract, remittance)
        writer = use.bank_orders(request.principal.tenant_name)
        file = writer.write(chosen, remittance, contract, language=language_of(request))
        return file_reply(file)

    @app.page("POST", _ROUTE + "/approval", permission="pensions:remittance:ask")
    def ask_sanction(request: Request) -> Reply:
        """Ask for the approval of an order above the limit."""
        use, period = use_of(request), period_of(request)
        contract, remittance = use.show_remittance()(request.id(), period)
        try:
            use.ask_sanction()(contract, remittance)
        except KopruError as error:
            return draw(request, error)
        return go(f"/pensions/contracts/{request.id()}/remittances/{period}", done="asked")

    @app.page("GET", _ROUTE + "/paid", permission="pensions:remittance:write")
    def ask_paid(request: Request) -> Reply:
        """Ask before the month is closed as paid."""
        use = use_of(request)
        contract, remittance = use.show_remittance()(request.id(), period_of(request))
        words = words_of(request)
        base = f"/pensions/contracts/{contract.id}/remittances/{remittance.period}"
        return kit.draw(
            request,
            "confirm.html",
            title=words.text("Was the bank order given?"),
            text=words.text(
                "Confirm that %(amount)s for %(month)s was paid to the insurer. The contributions "
                "are then settled and can no longer be changed.",
                amount=remittance.payable,
                month=remittance.period,
            ),
            action=f"{base}/paid",
            confirm=words.text("Yes, it is paid"),
            back=base,
            hidden={},
            danger=False,
        )

    @app.page("POST", _ROUTE + "/paid", permission="pensions:remittance:write")
    def mark_paid(request: Request) -> Reply:
        """Note that the bank order was given."""
        period = period_of(request)
        try:
            use_of(request).mark_remittance_paid()(request.id(), period)
        except KopruError as error:
            return draw(request, error)
        return go(f"/pensions/contracts/{request.id()}/remittances/{period}", done="paid")
