"""Names of static files: the build gives each a hashed name, the manifest tells which."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

STATIC: Final = Path(__file__).parent / "static"
"""Folder of this package's own static files; the asset build adds its manifest and fonts."""


class AssetsMissingError(RuntimeError):
    """The front-end assets were not built; ``make assets`` builds them."""


class Assets:
    """Looks up the public path of a static file by its plain name."""

    def __init__(self, names: Mapping[str, str], prefix: str = "/static/") -> None:
        self._names = dict(names)
        self._prefix = prefix

    @classmethod
    def packaged(cls, manifest: Path = STATIC / "manifest.json") -> Self:
        """The manifest the asset build left in this package.

        Raises: AssetsMissingError when it was never built.
        """
        try:
            names = json.loads(manifest.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise AssetsMissingError("no asset manifest: run `make assets`") from None
        return cls(names)

    @classmethod
    def plain(cls) -> Self:
        """Unhashed names, for tests that render pages without the asset build."""
        names = (
            *("tabler.css", "hub.css", "hub.js", "htmx.js", "favicon.svg"),
            *("swagger-ui.css", "swagger-ui.js", "api-docs.js"),
        )
        return cls({name: name for name in names})

    def __call__(self, name: str) -> str:
        """The path a page links to. Raises: KeyError for a file that is not in the manifest."""
        return self._prefix + self._names[name]
