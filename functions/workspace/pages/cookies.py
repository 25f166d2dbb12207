"""Cookies we set: the session, and the language of people who are not signed in."""

from kernel.sensitive import Secret
from workspace.bootstrap import LANGUAGE_COOKIE, SESSION_COOKIE, application

_YEAR = 365 * 86_400


def _cookie(name: str, value: str, more: str = "") -> str:
    app = application()
    secure = "; Secure" if app.secure else ""
    return f"{app.cookie(name)}={value}; Path=/{secure}; HttpOnly; SameSite=Lax{more}"


def session_cookie(token: Secret) -> str:
    """The cookie of a new session: this host only, no script, no other site's forms."""
    return _cookie(SESSION_COOKIE, token.reveal("hand the session to its browser"))


def ended_cookie() -> str:
    """The cookie that removes the session from the browser."""
    return _cookie(SESSION_COOKIE, "", "; Max-Age=0")


def language_cookie(language: str) -> str:
    """The cookie that remembers a language for a year."""
    return _cookie(LANGUAGE_COOKIE, language, f"; Max-Age={_YEAR}")
