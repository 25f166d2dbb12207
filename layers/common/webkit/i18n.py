"""Turkish, Greek and English: which one, what it says, and how it writes numbers and dates.

English strings are the message ids. Each package keeps ``locale/<lang>/messages.po`` and, beside it
and committed, the compiled ``messages.mo``; a test recompiles and compares. Sentences that the
domain names by key (reasons, problem codes) live in the same catalogues under a message context, in
English too.
"""

from __future__ import annotations

import datetime as dt
import functools
import gettext
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from kernel.money import Money
from kernel.periods import Period
from kernel.rates import Rate
from kernel.why import Why

LANGUAGES: Final = ("tr", "el", "en")
"""Languages of the product; the last one is the language of the message ids."""

LANGUAGE_NAMES: Final = {"tr": "Türkçe", "el": "Ελληνικά", "en": "English"}
"""Each language in its own words, as language switches show it."""

DEFAULT_LANGUAGE: Final = "en"

WHY_CONTEXT: Final = "why"
"""Message context of reasons: ``msgctxt "why"``, ``msgid`` the key of a ``kernel.why.Why``."""

PROBLEM_CONTEXT: Final = "problem"
"""Message context of problem codes: ``msgctxt "problem"``, ``msgid`` the code."""

_HERE: Final = Path(__file__).parent
_DATE_PATTERN: Final = {"tr": "dd.MM.yyyy", "el": "d/M/yyyy", "en": "d MMM yyyy"}
_SYMBOLS: Final = {
    "tr": {"TRY": "TL", "EUR": "€"},
    "el": {"EUR": "€"},
    "en": {"EUR": "€"},
}
_NO_BREAK: Final = "\N{NO-BREAK SPACE}"
_ISO_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ISO_MONTH: Final = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_ISO_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2})")
_DECIMAL: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def mark(message: str) -> str:
    """Mark a constant for the catalogues; returns it unchanged, to be translated later."""
    return message


def normalise_language(tag: str | None) -> str | None:
    """``tr-TR`` → ``tr``; None for a language we do not speak."""
    if not tag:
        return None
    primary = tag.strip().replace("_", "-").split("-", 1)[0].casefold()
    return primary if primary in LANGUAGES else None


def choose_language(
    *,
    user: str | None = None,
    counterparty: str | None = None,
    accept_language: str | None = None,
    tenant: str | None = None,
) -> str:
    """The reader's language: user, else counterparty, else browser, else tenant, else English."""
    for candidate in (user, counterparty):
        if (chosen := normalise_language(candidate)) is not None:
            return chosen
    for tag in _accepted(accept_language or ""):
        if (chosen := normalise_language(tag)) is not None:
            return chosen
    return normalise_language(tenant) or DEFAULT_LANGUAGE


def _accepted(header: str) -> list[str]:
    """Language tags of an Accept-Language header, best first; malformed parts are skipped."""
    weighted: list[tuple[int, int, str]] = []
    for position, part in enumerate(header[:500].split(",")):
        tag, *parameters = (piece.strip() for piece in part.split(";"))
        thousandths = 1000
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                thousandths = _thousandths(value.strip())
        if tag and thousandths > 0:
            weighted.append((-thousandths, position, tag))
    return [tag for _, _, tag in sorted(weighted)]


def _thousandths(quality: str) -> int:
    whole, _, fraction = quality.partition(".")
    digits = whole + fraction[:3].ljust(3, "0")
    if not (digits.isascii() and digits.isdigit()):
        return 0
    return min(int(digits), 1000)


class Catalogues:
    """The messages of some packages, per language; later packages win over earlier ones."""

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        self._folders = (_HERE / "locale", *folders)
        self._loaded: dict[str, gettext.NullTranslations] = {}

    def for_language(self, language: str) -> gettext.NullTranslations:
        """The translations of one language, with English as the last resort."""
        if language not in self._loaded:
            self._loaded[language] = self._load(language)
        return self._loaded[language]

    def _load(self, language: str) -> gettext.NullTranslations:
        wanted = (language,) if language == DEFAULT_LANGUAGE else (language, DEFAULT_LANGUAGE)
        chain: gettext.NullTranslations | None = None
        for each in wanted:
            for folder in reversed(self._folders):
                path = folder / each / "messages.mo"
                if not path.is_file():
                    continue
                with path.open("rb") as stream:
                    found = gettext.GNUTranslations(stream)
                if chain is None:
                    chain = found
                else:
                    chain.add_fallback(found)
        return chain or gettext.NullTranslations()


class Formats:
    """How one language writes numbers, amounts, dates and durations. No floats anywhere."""

    def __init__(self, language: str, translations: gettext.NullTranslations) -> None:
        self.language = language
        self._texts = translations

    def number(self, value: int | Decimal) -> str:
        """A count or decimal with the language's group and decimal signs, digits kept."""
        from babel.numbers import format_decimal

        digits = 0
        if isinstance(value, Decimal):
            exponent = value.as_tuple().exponent
            digits = max(0, -exponent) if isinstance(exponent, int) else 0
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        return format_decimal(value, format=pattern, locale=self.language)

    def amount(self, value: Money) -> str:
        """The figure of an amount without its currency: ``1.250,00``."""
        return self.number(value.amount)

    def currency(self, code: str) -> str:
        """The sign of a currency as this language writes it after an amount."""
        return _SYMBOLS.get(self.language, {}).get(code, code)

    def money(self, value: Money) -> str:
        """Amount and currency: ``1.250,00 TL``, ``1.250,00 €``, ``1,250.00 TRY``."""
        return f"{self.amount(value)}{_NO_BREAK}{self.currency(value.currency)}"

    def rate(self, value: Rate | Decimal) -> str:
        """A rate in percent: ``%3,00`` in Turkish, ``3,00%`` in Greek, ``3.00%`` in English."""
        figure = self.number(value.percent if isinstance(value, Rate) else value)
        return f"%{figure}" if self.language == "tr" else f"{figure}%"

    def date(self, value: dt.date) -> str:
        """A local date: ``04.05.2026``, ``4/5/2026``, ``4 May 2026``."""
        from babel.dates import format_date

        return format_date(value, format=_DATE_PATTERN[self.language], locale=self.language)

    def weekday(self, value: dt.date) -> str:
        """The name of the day of the week."""
        from babel.dates import format_date

        return format_date(value, format="EEEE", locale=self.language)

    def month(self, value: Period) -> str:
        """A month by name: ``Haziran 2026``, ``Ιούνιος 2026``, ``June 2026``."""
        from babel.dates import format_date

        first = date(value.year, value.month, 1)
        return format_date(first, format="LLLL yyyy", locale=self.language)

    def instant(self, value: datetime, zone: str = "UTC") -> str:
        """Date and time to the minute in ``zone``: ``04.05.2026 16:30``."""
        local = _aware(value).astimezone(ZoneInfo(zone))
        return f"{self.date(local.date())} {local:%H:%M}"

    def time(self, value: datetime, zone: str = "UTC") -> str:
        """Time to the second in ``zone``: ``16:30:05``."""
        return f"{_aware(value).astimezone(ZoneInfo(zone)):%H:%M:%S}"

    def age(self, seconds: int) -> str:
        """A duration in its largest whole unit: ``38 seconds``, ``4 minutes``, ``2 days``."""
        plural, number = self._texts.ngettext, self.number
        if seconds < _MINUTE:
            return _age(plural("%(num)s second", "%(num)s seconds", seconds), number(seconds))
        if seconds < _HOUR:
            count = seconds // _MINUTE
            return _age(plural("%(num)s minute", "%(num)s minutes", count), number(count))
        if seconds < _DAY:
            count = seconds // _HOUR
            return _age(plural("%(num)s hour", "%(num)s hours", count), number(count))
        count = seconds // _DAY
        return _age(plural("%(num)s day", "%(num)s days", count), number(count))

    def size(self, count: int) -> str:
        """A file size in whole bytes, or in kB or MB with one decimal."""
        if count < 1000:
            return f"{self.number(count)}{_NO_BREAK}B"
        unit, factor = ("kB", 1000) if count < 1_000_000 else ("MB", 1_000_000)
        tenths = (Decimal(count) / factor).quantize(Decimal("0.1"))
        return f"{self.number(tenths)}{_NO_BREAK}{unit}"

    def value(self, value: object, name: str = "") -> str:
        """A parameter of a sentence, written for people.

        Shapes: typed values, or the JSON forms that reasons and events carry: ISO dates and months,
        RFC 3339 instants, ``{"amount": …, "currency": …}``, lists of these. Decimal text is a rate
        when its name is ``rate`` or ends in ``_rate``. Other text is left as it is.
        """
        match value:
            case Money():
                return self.money(value)
            case Rate():
                return self.rate(value)
            case Period():
                return self.month(value)
            case datetime():
                return self.instant(value)
            case date():
                return self.date(value)
            case bool():
                return self._texts.gettext("yes") if value else self._texts.gettext("no")
            case int() | Decimal():
                return self.number(value)
            case str():
                return self._text_value(value, name)
            case {"amount": str(amount), "currency": str(code)}:
                return self.money(Money.from_decimal(Decimal(amount), code))
            case [*items]:
                return ", ".join(self.value(item, name) for item in items)
            case _:
                return str(value)

    def _text_value(self, text: str, name: str) -> str:
        if _ISO_DATE.fullmatch(text):
            return self.date(date.fromisoformat(text))
        if _ISO_MONTH.fullmatch(text):
            return self.month(Period.parse(text))
        if _ISO_INSTANT.fullmatch(text):
            return self.instant(datetime.fromisoformat(text.replace("Z", "+00:00")))
        if (name == "rate" or name.endswith("_rate")) and _DECIMAL.fullmatch(text):
            return self.rate(Decimal(text))
        return text


class Language:
    """One language of some packages: messages and formats, ready for templates, mail and PDF."""

    def __init__(self, code: str, catalogues: Catalogues) -> None:
        if code not in LANGUAGES:
            raise ValueError(f"not a language of the product: {code!r}")
        self.code = code
        self.texts = catalogues.for_language(code)
        self.formats = Formats(code, self.texts)

    def text(self, message: str, **params: object) -> str:
        """A message by its English text, with ``%(name)s`` parameters formatted for people."""
        return _fill(self.texts.gettext(message), params, self.formats.value)

    def plural(self, one: str, many: str, count: int, **params: object) -> str:
        """A message that depends on a count, available to it as ``%(num)s``."""
        return _fill(
            self.texts.ngettext(one, many, count), {"num": count} | params, self.formats.value
        )

    def sentence(self, context: str, key: str, params: Mapping[str, object] | None = None) -> str:
        """A sentence the domain names by key; the key itself where no catalogue has it."""
        return _fill(self.texts.pgettext(context, key), params or {}, self.formats.value)

    def knows(self, context: str, key: str) -> bool:
        """Whether a catalogue of this language, or English, has the key."""
        return self.texts.pgettext(context, key) != key

    def why(self, reason: Why) -> str:
        """One reason as a sentence."""
        return self.sentence(WHY_CONTEXT, reason.key, reason.params)

    def whys(self, reasons: Iterable[Why]) -> tuple[str, ...]:
        """A chain of reasons as sentences, in order."""
        return tuple(self.why(reason) for reason in reasons)

    def problem(self, code: str, params: Mapping[str, object] | None = None) -> str:
        """What a problem code means and what to do, for the person who must act."""
        return self.sentence(PROBLEM_CONTEXT, code, params)


def render_why(why: Why, lang: str, catalogues: Catalogues | None = None) -> str:
    """One reason as a sentence in ``lang``."""
    return Language(lang, catalogues or _shared()).why(why)


@functools.cache
def _shared() -> Catalogues:
    return Catalogues()


def json_text(value: Any) -> str:
    """A value as indented JSON for reading; keys in their own order."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


def _fill(text: str, params: Mapping[str, object], show: Callable[[object, str], str]) -> str:
    # Always a format, so a literal percent sign is written %% with and without parameters.
    return text % {name: show(value, name) for name, value in params.items()}


def _age(text: str, count: str) -> str:
    return text % {"num": count}


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("an instant has a time zone")
    return value.astimezone(UTC)
