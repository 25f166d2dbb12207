"""``/_local/ui``: the living guide of the page kit, in the reader's language and theme."""

from __future__ import annotations

from typing import Final

from infra.local.web import Request, Response

THEMES: Final = ("auto", "light", "dark")
LANGUAGES: Final = ("tr", "el", "en")


def guide_response(request: Request) -> Response:
    """The guide as ``?lang=`` and ``?theme=`` ask for it; unknown values are the defaults."""
    # The page kit belongs to the product; a stack of another template runs without it.
    from webkit.assets import Assets, AssetsMissingError
    from webkit.guide import guide_view, render_guide
    from webkit.render import Renderer

    try:
        assets = Assets.packaged()
    except AssetsMissingError:
        assets = Assets.plain()
    language, theme = request.query.get("lang", "en"), request.query.get("theme", "auto")
    view = guide_view(
        language if language in LANGUAGES else "en", theme if theme in THEMES else "auto"
    )
    page = render_guide(Renderer.for_pages(assets=assets), view)
    return Response(page.status, tuple(page.headers.items()), page.body.encode())
