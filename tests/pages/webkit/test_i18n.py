"""Which language is chosen, and how each writes numbers, dates, plurals and reasons."""

from __future__ import annotations

import gettext
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from kernel.money import Money
from kernel.periods import Period
from kernel.rates import Rate
from kernel.why import Why
from webkit.i18n import (
    LANGUAGES,
    WHY_CONTEXT,
    Catalogues,
    Formats,
    Language,
    choose_language,
    normalise_language,
    render_why,
)

NBSP = "\N{NO-BREAK SPACE}"


def formats(code: str) -> Formats:
    return Language(code, Catalogues()).formats


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"user": "el", "counterparty": "tr", "accept_language": "en", "tenant": "tr"}, "el"),
        ({"counterparty": "tr", "accept_language": "el", "tenant": "en"}, "tr"),
        ({"accept_language": "el-GR,en;q=0.5", "tenant": "tr"}, "el"),
        ({"accept_language": "de, fr;q=0.9", "tenant": "tr"}, "tr"),
        ({"user": "de", "tenant": "el"}, "el"),
        ({}, "en"),
    ],
)
def test_order_is_user_counterparty_browser_tenant(choice: dict[str, str], expected: str) -> None:
    assert choose_language(**choice) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("en;q=0.1, tr;q=0.9, el;q=0.8", "tr"),
        ("tr;q=0, el", "el"),
        ("de,*;q=0.1", "en"),
        ("tr;q=abc, el;q=0.2", "el"),
        ("TR-tr", "tr"),
        ("en_GB", "en"),
        (";;;,,q=1", "en"),
        ("el;q=0.٣, tr;q=0.2", "tr"),
        ("x" * 5000 + ",tr", "en"),
    ],
)
def test_accept_language_is_read_with_weights(header: str, expected: str) -> None:
    assert choose_language(accept_language=header) == expected


def test_only_three_languages_are_spoken() -> None:
    assert normalise_language("TR_tr") == "tr"
    assert normalise_language("türkçe") is None
    with pytest.raises(ValueError, match="language"):
        Language("de", Catalogues())


@pytest.mark.parametrize(
    ("code", "amount", "rate", "day", "month", "count"),
    [
        ("tr", f"1.042,50{NBSP}TL", "%3,00", "04.05.2026", "Haziran 2026", "1.204"),
        ("el", f"1.042,50{NBSP}TRY", "3,00%", "4/5/2026", "Ιούνιος 2026", "1.204"),
        ("en", f"1,042.50{NBSP}TRY", "3.00%", "4 May 2026", "June 2026", "1,204"),
    ],
)
def test_each_language_writes_figures_its_own_way(
    code: str, amount: str, rate: str, day: str, month: str, count: str
) -> None:
    shown = formats(code)
    assert shown.money(Money(104_250, "TRY")) == amount
    assert shown.rate(Rate(Decimal("3.00"))) == rate
    assert shown.date(date(2026, 5, 4)) == day
    assert shown.month(Period(2026, 6)) == month
    assert shown.number(1204) == count


@pytest.mark.parametrize("code", LANGUAGES)
def test_euro_has_one_sign_everywhere(code: str) -> None:
    assert formats(code).money(Money(5, "EUR")).endswith(f"{NBSP}€")


def test_money_keeps_every_kurus_however_large() -> None:
    assert formats("tr").amount(Money(123_456_789_012_345, "TRY")) == "1.234.567.890.123,45"
    assert formats("tr").amount(Money(-5, "TRY")) == "-0,05"


def test_instants_are_shown_in_the_readers_zone() -> None:
    at = datetime(2026, 12, 31, 22, 15, tzinfo=UTC)
    assert formats("tr").instant(at, "Europe/Istanbul") == "01.01.2027 01:15"
    assert formats("el").instant(at, "Europe/Athens") == "1/1/2027 00:15"
    assert formats("en").time(at, "UTC") == "22:15:00"
    with pytest.raises(ValueError, match="zone"):
        formats("en").instant(datetime(2026, 1, 1))  # noqa: DTZ001 - the naive one is the case


@pytest.mark.parametrize(
    ("seconds", "tr", "el", "en"),
    [
        (1, "1 saniye", "1 δευτερόλεπτο", "1 second"),
        (59, "59 saniye", "59 δευτερόλεπτα", "59 seconds"),
        (60, "1 dakika", "1 λεπτό", "1 minute"),
        (7199, "1 saat", "1 ώρα", "1 hour"),
        (86400 * 1204, "1.204 gün", "1.204 ημέρες", "1,204 days"),
    ],
)
def test_ages_use_the_largest_whole_unit(seconds: int, tr: str, el: str, en: str) -> None:
    assert [formats(code).age(seconds) for code in ("tr", "el", "en")] == [tr, el, en]


def test_sizes_are_whole_bytes_or_one_decimal() -> None:
    assert formats("tr").size(999) == f"999{NBSP}B"
    assert formats("tr").size(1536) == f"1,5{NBSP}kB"
    assert formats("en").size(10_485_760) == f"10.5{NBSP}MB"


def test_plurals_follow_the_language() -> None:
    def rows(code: str, count: int) -> str:
        return Language(code, Catalogues()).plural("%(num)s row", "%(num)s rows", count)

    assert [rows("tr", n) for n in (1, 2)] == ["1 satır", "2 satır"]
    assert [rows("el", n) for n in (1, 2)] == ["1 γραμμή", "2 γραμμές"]
    assert [rows("en", n) for n in (1, 1204)] == ["1 row", "1,204 rows"]


class OneReason(gettext.NullTranslations):
    """Knows one reason, with every kind of parameter."""

    def pgettext(self, context: str, message: str) -> str:
        if (context, message) == (WHY_CONTEXT, "test.why"):
            return "%(day)s|%(month)s|%(at)s|%(total)s|%(rate)s|%(count)s|%(days)s|%(free)s|%(no)s"
        return message


class OneReasonCatalogues(Catalogues):
    def for_language(self, language: str) -> gettext.NullTranslations:
        return OneReason()


WHY = Why(
    "test.why",
    {
        "day": "2026-05-04",
        "month": "2026-06",
        "at": "2026-05-04T13:30:05Z",
        "total": {"amount": "1042.50", "currency": "TRY"},
        "rate": "3.00",
        "count": 1204,
        "days": ["2026-05-01", "2026-05-02"],
        "free": False,
        "no": "001",
    },
)


def test_reasons_write_their_json_values_for_people() -> None:
    assert render_why(WHY, "tr", OneReasonCatalogues()) == (
        f"04.05.2026|Haziran 2026|04.05.2026 13:30|1.042,50{NBSP}TL|%3,00|1.204|"
        "01.05.2026, 02.05.2026|no|001"
    )
    assert render_why(WHY, "el", OneReasonCatalogues()).startswith("4/5/2026|Ιούνιος 2026|")


def test_a_reason_without_its_parameter_fails_loudly() -> None:
    with pytest.raises(KeyError):
        render_why(Why("test.why", {}), "tr", OneReasonCatalogues())


def test_an_unknown_reason_shows_its_key_and_is_known_to_be_missing() -> None:
    language = Language("tr", Catalogues())
    assert language.why(Why("nobody.wrote.this")) == "nobody.wrote.this"
    assert not language.knows(WHY_CONTEXT, "nobody.wrote.this")
    assert Language("tr", OneReasonCatalogues()).knows(WHY_CONTEXT, "test.why")


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_literal_percent_sign_survives(code: str) -> None:
    text = Language(code, Catalogues()).text("3%% of the pensionable earnings, kuruş cut off.")
    assert text.count("%") == 1
