"""What may be shown of a personal value where the value itself may not.

These functions work on text of any quality (also on wrong numbers) and never raise, because they
serve logs, timelines and error pages.
"""

from __future__ import annotations

from typing import Final

HIDDEN: Final = "********"
"""Stands for a secret; says nothing about its length."""


def mask_tckn(text: str) -> str:
    """``12345678950`` → ``123******50``; anything of another length is hidden."""
    return f"{text[:3]}******{text[-2:]}" if len(text) == 11 else HIDDEN


def mask_iban(text: str) -> str:
    """``TR33 … 1326`` → ``TR33…1326``; anything too short to hide something is hidden."""
    compact = text.replace(" ", "")
    return f"{compact[:4]}…{compact[-4:]}" if len(compact) >= 15 else HIDDEN


def mask_phone(text: str) -> str:
    """``+905321234567`` → ``+90******4567``; anything too short to hide something is hidden."""
    return f"{text[:3]}{'*' * (len(text) - 7)}{text[-4:]}" if len(text) >= 11 else HIDDEN


def mask_email(text: str) -> str:
    """``ayse@ornek.com.tr`` → ``a***@ornek.com.tr``; the domain is a company's, not a person's."""
    local, at, domain = text.rpartition("@")
    return f"{local[:1]}***@{domain}" if at and local else HIDDEN


def mask_name(text: str) -> str:
    """``Ayşe Nur`` → ``A*** N***``."""
    return " ".join(f"{word[0]}***" for word in text.split())


def mask_username(text: str) -> str:
    """``firma1201`` → ``fi***``; enough to recognise one's own user name."""
    return f"{text[:2]}***" if len(text) > 4 else "***"
