"""HTTP: test the credentials of a contract; the only HTTP door that may decrypt them."""

from pensions.domain.error_dictionary import explain
from pensions.handlers.http.app import app, language_of, pensions
from pensions.pages.words import reading_language
from toolkit.entrypoints import Reply, Request

DEADLINE_SECONDS = 20.0


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


handler = app.handler
