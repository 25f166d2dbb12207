"""HTTP: test the credentials of a contract; the only HTTP door that may decrypt them."""

from kernel.errors import ConflictError
from pensions.domain.error_dictionary import explain
from pensions.handlers.http.app import app, language_of, pensions
from pensions.pages.contracts import draw_contract
from pensions.pages.kit import Kit, go
from pensions.pages.words import problem_text, reading_language
from toolkit.entrypoints.http import Reply, Request

DEADLINE_SECONDS = 20.0
_KIT = Kit(app)


@app.api(
    "POST",
    "/v1/pensions/contracts/{id}/credentials/test",
    permission="pensions:credentials:write",
)
def test_credentials(request: Request) -> Reply:
    """Log in at the insurer once and say how it went."""
    test = pensions(request).test_credentials()
    check = test(request.id(), deadline_seconds=DEADLINE_SECONDS)
    if check.ok:
        return Reply({"ok": True})
    language = language_of(request)
    message = explain(check.message_code).sentence(reading_language(language))
    return Reply({"ok": False, "code": check.code, "message": message})


@app.page(
    "POST",
    "/pensions/contracts/{id}/credentials/test",
    permission="pensions:credentials:write",
)
def test_credentials_page(request: Request) -> Reply:
    """The same for a person: back to the contract when it worked, the reason when it did not."""
    language = language_of(request)
    try:
        check = pensions(request).test_credentials()(
            request.id(), deadline_seconds=DEADLINE_SECONDS
        )
    except ConflictError as error:
        return draw_contract(_KIT, request, refused=problem_text(error, language), status=409)
    if check.ok:
        return go(f"/pensions/contracts/{request.id()}", done="test_ok")
    message = explain(check.message_code).sentence(reading_language(language))
    return draw_contract(_KIT, request, refused=message, status=422)


handler = app.handler
