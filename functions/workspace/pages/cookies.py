"""Cookies we set: the session, and the language of people who are not signed in."""

from kernel.sensitive import Secret
from workspace.bootstrap import (
    DEVICE_COOKIE,
    LANGUAGE_COOKIE,
    SESSION_COOKIE,
    STEP_COOKIE,
    TRIP_COOKIE,
    application,
)
from workspace.domain.hosted_sign_in import TRIP_LIFETIME
from workspace.domain.second_factor import DEVICE_LIFETIME, STEP_LIFETIME

_YEAR = 365 * 86_400


def _cookie(name: str, value: str, more: str = "") -> str:
    app = application()
    secure = "; Secure" if app.secure else ""
    return f"{app.cookie(name)}={value}; Path=/{secure}; HttpOnly; SameSite=Lax{more}"


def session_cookie(token: Secret) -> str:
    """The cookie of a new session: this host only, no script, no other site's forms."""
    return _cookie(SESSION_COOKIE, token.reveal("hand the session to its browser"))


def entry_cookies(token: Secret, device: Secret | None) -> tuple[str, ...]:
    """The cookie of a new session, and the mark of a device that was proved by mail."""
    if device is None:
        return (session_cookie(token),)
    mark = device.reveal("hand the mark of a device to its browser")
    until = f"; Max-Age={int(DEVICE_LIFETIME.total_seconds())}"
    return session_cookie(token), _cookie(DEVICE_COOKIE, mark, until)


def step_cookie(token: Secret) -> str:
    """The cookie that leads from the password to the second step."""
    life = f"; Max-Age={int(STEP_LIFETIME.total_seconds())}"
    return _cookie(STEP_COOKIE, token.reveal("hand the second step to its browser"), life)


def ended_step_cookie() -> str:
    """The cookie that forgets the second step."""
    return _cookie(STEP_COOKIE, "", "; Max-Age=0")


def trip_cookie(token: Secret, target: str) -> str:
    """The cookie that knows a way to the identity provider back; ``target`` is quoted."""
    life = f"; Max-Age={int(TRIP_LIFETIME.total_seconds())}"
    clear = token.reveal("leave a trip with its browser")
    return _cookie(TRIP_COOKIE, f"{clear}.{target}", life)


def ended_trip_cookie() -> str:
    """The cookie that forgets the way."""
    return _cookie(TRIP_COOKIE, "", "; Max-Age=0")


def ended_cookie() -> str:
    """The cookie that removes the session from the browser."""
    return _cookie(SESSION_COOKIE, "", "; Max-Age=0")


def language_cookie(language: str) -> str:
    """The cookie that remembers a language for a year."""
    return _cookie(LANGUAGE_COOKIE, language, f"; Max-Age={_YEAR}")
