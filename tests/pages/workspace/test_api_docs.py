"""The API, described and ready to try: who sees it and what the page loads."""

import pytest

from tests.pages.workspace.conftest import LANGUAGES, Scene
from tests.support.page_checks import assert_sound, parse


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_api_is_described_for_who_is_signed_in(scene: Scene, language: str) -> None:
    page = scene.page("/api-docs", language)
    assert_sound(page.body, language)
    tree = parse(page.body)
    assert tree.xpath("//*[@id='api-docs']/@data-url") == ["/v1/openapi.json"]
    scripts = [str(source) for source in tree.xpath("//script/@src")]
    assert [name for name in scripts if "swagger-ui" in name]
    # The library is served from here and obeys the policy of every other page.
    assert all(source.startswith("/static/") for source in scripts)
    assert "unsafe" not in page.headers["content-security-policy"]


def test_the_description_of_the_api_is_not_for_everybody(scene: Scene) -> None:
    assert scene.page("/api-docs", "en", role="payroll").status == 403
