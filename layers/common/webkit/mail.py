"""Mails as one thing said twice: a text part and an HTML part made from the same letter.

A context fills a ``Letter``; both parts come from it, so they cannot disagree. Addresses, headers
and sending belong to the adapter; this module never sees a recipient.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from kernel.mailing import Mail
from webkit.render import Renderer


@dataclass(frozen=True, slots=True)
class Brand:
    """Who speaks: the company's name, shown as the head of the mail, and an optional small line."""

    name: str
    line: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """The one button of a mail; its address is also printed, for readers without HTML."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says, in the reader's language and in this order.

    Shapes: ``paragraphs`` before and ``closing`` after the facts and the button; ``facts`` are
    (label, value); ``small`` is the last line (why the reader got this, how to stop it).
    """

    subject: str
    paragraphs: tuple[str, ...]
    facts: tuple[tuple[str, str], ...] = ()
    action: Action | None = None
    closing: tuple[str, ...] = ()
    small: str = ""
    preview: str = ""


def render_mail(renderer: Renderer, letter: Letter, language: str, brand: Brand) -> Mail:
    """Both parts of one mail.

    Raises: ValueError for a subject with line breaks or control characters, and for a button that
    does not lead to an https address (or http on loopback, where the local stack lives).
    """
    if any(not sign.isprintable() for sign in letter.subject):
        raise ValueError("a subject is one printable line")
    if letter.action is not None and not _is_web_address(letter.action.url):
        raise ValueError("a button leads to an https address")
    values = {"letter": letter, "brand": brand}
    return Mail(
        subject=letter.subject,
        text=renderer.fill("mail/letter.txt", language, **values),
        html=renderer.fill("mail/letter.html", language, **values),
        language=language,
    )


def _is_web_address(url: str) -> bool:
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")
    return bool(parts.hostname) and (parts.scheme == "https" or local)
