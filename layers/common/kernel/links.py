"""Links we send or show always start with the configured address.

The host a client sends (Host, X-Forwarded-Host) decides nothing: a reset mail with a poisoned link
would hand the token to somebody else. So whoever makes a link holds a ``Links`` and no request.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlencode

_BASE: Final = re.compile(
    r"https://[a-z0-9.-]+(?::[0-9]+)?|http://(?:localhost|127\.0\.0\.1)(?::[0-9]+)?"
)
_PATH: Final = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@%-][A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?")


class Links:
    """Makes absolute links under one base address."""

    __slots__ = ("_base",)

    def __init__(self, base_url: str) -> None:
        base = base_url.removesuffix("/")
        if _BASE.fullmatch(base) is None:
            raise ValueError("the base address is https://name, or http on this machine")
        self._base = base

    @property
    def base_url(self) -> str:
        """The configured address without a slash at the end."""
        return self._base

    def to(self, path: str, **query: str) -> str:
        """The absolute link to a path of ours; path segments must be escaped already."""
        if _PATH.fullmatch(path) is None:
            raise ValueError("a link goes to an absolute path of ours")
        return f"{self._base}{path}{'?' + urlencode(query) if query else ''}"
