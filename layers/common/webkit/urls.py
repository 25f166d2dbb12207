"""Links built from values, so that no template ever glues a query string together."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

Scalar = str | int | bool | None


def segment(value: object) -> str:
    """One path segment, percent-encoded including slashes."""
    return quote(str(value), safe="")


def link(path: str, /, **query: Scalar) -> str:
    """``path`` with ``query`` appended; parameters that are None or empty are left out."""
    return _with(path, list(_kept(query)))


def relink(url: str, /, **changes: Scalar) -> str:
    """The same address with some query parameters set, or removed where the value is None.

    Shapes: untouched parameters keep their order; changed ones move to the end.
    """
    parts = urlsplit(url)
    pairs = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if k not in changes]
    return _with(parts.path, pairs + list(_kept(changes)))


def query_pairs(url: str, /, *, without: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """The query parameters of ``url`` as pairs, for hidden fields of a GET form."""
    return [
        (key, value)
        for key, value in parse_qsl(urlsplit(url).query, keep_blank_values=True)
        if key not in without
    ]


def local_path(value: str | None, default: str = "/") -> str:
    """``value`` when it is an absolute path of this site, else ``default``.

    Guards every "return to" parameter: no scheme, no host, no backslash, no control character.
    """
    if not value or not value.startswith("/") or value.startswith("//"):
        return default
    if "\\" in value or any(ord(letter) <= 0x20 or ord(letter) == 0x7F for letter in value):
        return default
    parts = urlsplit(value)
    return default if parts.scheme or parts.netloc else value


def _kept(query: Mapping[str, Scalar]) -> list[tuple[str, str]]:
    pairs = []
    for key, value in query.items():
        if value is None or value == "" or value is False:
            continue
        pairs.append((key, "1" if value is True else str(value)))
    return pairs


def _with(path: str, pairs: list[tuple[str, str]]) -> str:
    return f"{path}?{urlencode(pairs)}" if pairs else path
