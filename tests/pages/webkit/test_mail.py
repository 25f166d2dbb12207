"""Both parts of a mail say the same, in the reader's language; nothing in them acts."""

from __future__ import annotations

from typing import Any

import lxml.html
import pytest

from webkit.assets import Assets
from webkit.i18n import LANGUAGES
from webkit.mail import Action, Brand, Letter, render_mail
from webkit.render import Renderer

BRAND = Brand("Deniz & Oğulları A.Ş.", "Köprü")
LETTER = Letter(
    subject="Aktivasyon bağlantınız",
    paragraphs=("Sayın Işıl İnce,", "Bağlantı <30 dakika> geçerlidir."),
    facts=(("Şirket", "Ege & Co"),),
    action=Action("Etkinleştir", "https://kopru.example.com/activate?t=abc&x=1"),
    closing=("Saygılarımızla",),
    small="Bu iletiyi siz istemediyseniz yok sayın.",
    preview="30 dakika geçerli",
)


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer.for_pages(assets=Assets.plain())


@pytest.mark.parametrize("language", LANGUAGES)
def test_both_parts_say_the_same(renderer: Renderer, language: str) -> None:
    mail = render_mail(renderer, LETTER, language, BRAND)
    page: Any = lxml.html.document_fromstring(mail.html)
    shown = page.text_content()
    for piece in (
        *LETTER.paragraphs,
        *LETTER.closing,
        LETTER.small,
        "Ege & Co",
        "Şirket",
        BRAND.name,
    ):
        assert piece in mail.text
        assert piece in shown
    assert mail.subject == LETTER.subject
    assert page.get("lang") == language
    assert page.xpath("//a/@href") == ["https://kopru.example.com/activate?t=abc&x=1"]
    assert "https://kopru.example.com/activate?t=abc&x=1" in mail.text


def test_the_footer_speaks_the_readers_language(renderer: Renderer) -> None:
    ends = {code: render_mail(renderer, LETTER, code, BRAND).text.rstrip() for code in LANGUAGES}
    assert ends["tr"].endswith("Köprü ile gönderildi")
    assert ends["el"].endswith("Στάλθηκε με το Köprü")
    assert ends["en"].endswith("Sent with Köprü")


def test_text_is_text_and_html_is_escaped(renderer: Renderer) -> None:
    mail = render_mail(renderer, LETTER, "tr", BRAND)
    assert "<30 dakika>" in mail.text
    assert "&lt;30 dakika&gt;" in mail.html
    assert "&amp;" not in mail.text
    assert all(len(line) <= 78 for line in mail.text.splitlines())


def test_nothing_is_loaded_and_nothing_can_be_posted(renderer: Renderer) -> None:
    page: Any = lxml.html.document_fromstring(render_mail(renderer, LETTER, "en", BRAND).html)
    assert (
        page.xpath("//img | //script | //link | //iframe | //form | //@src | //@background") == []
    )


@pytest.mark.parametrize(
    "url",
    ["http://kopru.example.com/", "javascript:alert(1)", "//x", "", "https:///x", "ftp://a/b"],
)
def test_a_button_leads_to_https(renderer: Renderer, url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        render_mail(renderer, Letter("s", ("p",), action=Action("a", url)), "en", BRAND)


def test_the_local_stack_may_link_to_itself(renderer: Renderer) -> None:
    letter = Letter("s", ("p",), action=Action("a", "http://127.0.0.1:3000/activate"))
    assert "http://127.0.0.1:3000/activate" in render_mail(renderer, letter, "en", BRAND).text


@pytest.mark.parametrize("subject", ["a\nBcc: x@y.z", "a\rb", "a\u2028b", "\x00"])
def test_a_subject_is_one_line(renderer: Renderer, subject: str) -> None:
    with pytest.raises(ValueError, match="line"):
        render_mail(renderer, Letter(subject, ("p",)), "en", BRAND)
