"""The three calendars of the product, from the ``holidays`` library, computed year by year.

TR decides payment deadlines and instalment dates, GR office deadlines, XECB (TARGET) the value
dates of Greek bank payments; the two Easters differ. The library is imported when a date is really
asked for, and one year is computed once per process. What a decree changes comes in as overrides:
religious dates of coming years are computed and can be moved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Final

from kernel.business_days import Calendar, Override
from kernel.errors import ValidationError


@dataclass(frozen=True, slots=True)
class _Source:
    """How one calendar is asked for.

    Shapes: ``own`` is the calendar's own language and ``own_code`` the library's word for it;
    ``english`` is the library's word for English (None: it knows nothing else). TR ends where
    computed lunar dates stop being worth anything.
    """

    code: str
    financial: bool
    own: str
    own_code: str | None
    english: str | None
    half_days: bool
    first_year: int
    last_year: int


_SOURCES: Final[Mapping[str, _Source]] = {
    "TR": _Source("TR", False, "tr", "tr", "en_US", True, 2000, 2076),
    "GR": _Source("GR", False, "el", "el", "en_US", False, 2000, 2099),
    "XECB": _Source("XECB", True, "en", None, None, False, 2000, 2099),
}

# The library's English name: Turkish, Greek, English of this product. Needed where the library has
# no such language: a Greek reader of a Turkish deadline must understand which day was skipped.
_NAMES: Final[Mapping[str, tuple[str, str, str]]] = {
    "New Year's Day": ("Yılbaşı", "Πρωτοχρονιά", "New Year's Day"),
    "National Sovereignty and Children's Day": (
        "Ulusal Egemenlik ve Çocuk Bayramı",
        "Ημέρα Εθνικής Κυριαρχίας και Παιδιού",
        "National Sovereignty and Children's Day",
    ),
    "Labor and Solidarity Day": (
        "Emek ve Dayanışma Günü",
        "Ημέρα Εργασίας και Αλληλεγγύης",
        "Labour and Solidarity Day",
    ),
    "Commemoration of Atatürk, Youth and Sports Day": (
        "Atatürk'ü Anma, Gençlik ve Spor Bayramı",
        "Ημέρα μνήμης του Ατατούρκ, Νεολαίας και Αθλητισμού",
        "Commemoration of Atatürk, Youth and Sports Day",
    ),
    "Democracy and National Unity Day": (
        "Demokrasi ve Millî Birlik Günü",
        "Ημέρα Δημοκρατίας και Εθνικής Ενότητας",
        "Democracy and National Unity Day",
    ),
    "Victory Day": ("Zafer Bayramı", "Ημέρα της Νίκης", "Victory Day"),
    "Republic Day": ("Cumhuriyet Bayramı", "Ημέρα της Δημοκρατίας", "Republic Day"),
    "Eid al-Fitr": ("Ramazan Bayramı", "Ραμαζάν Μπαϊράμ", "Ramazan Bayramı (Eid al-Fitr)"),
    "Eid al-Adha": ("Kurban Bayramı", "Κουρμπάν Μπαϊράμ", "Kurban Bayramı (Eid al-Adha)"),
    "Epiphany": ("Epifani", "Θεοφάνεια", "Epiphany"),
    "Green Monday": ("Temiz Pazartesi", "Καθαρά Δευτέρα", "Clean Monday"),
    "Independence Day": ("Bağımsızlık Günü", "Ευαγγελισμός, 25η Μαρτίου", "Independence Day"),
    "Good Friday": ("Kutsal Cuma", "Μεγάλη Παρασκευή", "Good Friday"),
    "Easter Monday": ("Paskalya Pazartesisi", "Δευτέρα του Πάσχα", "Easter Monday"),
    "Labor Day": ("İşçi Bayramı", "Εργατική Πρωτομαγιά", "Labour Day"),
    "Labour Day": ("İşçi Bayramı", "Εργατική Πρωτομαγιά", "Labour Day"),
    "Pentecost Monday": ("Pentekost Pazartesisi", "Δευτέρα του Αγίου Πνεύματος", "Whit Monday"),
    "Dormition of the Mother of God": (
        "Meryem Ana'nın Göğe Alınışı",
        "Κοίμηση της Θεοτόκου",
        "Dormition of the Mother of God",
    ),
    "Ohi Day": ("Ohi Günü", "Ημέρα του Όχι", "Ohi Day"),
    "Christmas Day": ("Noel", "Χριστούγεννα", "Christmas Day"),
    "Christmas Holiday": ("Noel'in ikinci günü", "Δεύτερη ημέρα των Χριστουγέννων", "26 December"),
    "Glorifying Mother of God": (
        "Noel'in ikinci günü",
        "Σύναξη της Υπεραγίας Θεοτόκου",
        "Synaxis of the Mother of God",
    ),
    "Additional closing day": ("Ek kapanış günü", "Πρόσθετη αργία", "Additional closing day"),
}
_SUFFIXES: Final[Mapping[str, tuple[str, str, str]]] = {
    " (from 1pm)": (" (saat 13.00'ten)", " (από τις 13:00)", " (from 13:00)"),
    " (estimated)": (" (tahmini)", " (εκτίμηση)", " (estimated)"),
    " (observed)": (" (kaydırılmış)", " (μεταφερόμενη)", " (observed)"),
}
_LANGUAGES: Final = ("tr", "el", "en")

NAMES: Final = tuple(_SOURCES)


def calendar(name: str, overrides: Mapping[date, Override] | None = None) -> Calendar:
    """The calendar ``TR``, ``GR`` or ``XECB``, with the days a decree changed.

    Raises: ValidationError("calendar.unknown").
    """
    if name not in _SOURCES:
        raise ValidationError(
            "calendar.unknown", f"There is no such calendar; known are {', '.join(NAMES)}."
        )
    base = _calendar(name)
    return base.with_overrides(overrides) if overrides else base


class _Days(Mapping[date, str]):
    """Holiday names by date; asking for a date computes its year, once."""

    def __init__(self, source: _Source, language: str | None, category: str) -> None:
        self._source = source
        self._language = language
        self._category = category
        self._years: dict[int, dict[date, str]] = {}

    def __getitem__(self, day: date) -> str:
        return self._year(day.year)[day]

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and day in self._year(day.year)

    def __iter__(self) -> Iterator[date]:
        for year in range(self._source.first_year, self._source.last_year + 1):
            yield from self._year(year)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _year(self, year: int) -> dict[date, str]:
        if year not in self._years:
            self._years[year] = self._compute(year)
        return self._years[year]

    def _compute(self, year: int) -> dict[date, str]:
        if not self._source.first_year <= year <= self._source.last_year:
            return {}
        import holidays

        options: dict[str, Any] = {"years": year, "categories": (self._category,)}
        if self._language is not None:
            options["language"] = self._language
        find = holidays.financial_holidays if self._source.financial else holidays.country_holidays
        return {day: str(name) for day, name in sorted(find(self._source.code, **options).items())}


class _Translated(Mapping[date, str]):
    """The same days with names in one of our languages."""

    def __init__(self, tables: Sequence[Mapping[date, str]], language: str) -> None:
        self._english = tables
        self._position = _LANGUAGES.index(language)

    def __getitem__(self, day: date) -> str:
        for table in self._english:
            if day in table:
                return "; ".join(self._translate(part) for part in table[day].split("; "))
        raise KeyError(day)

    def __contains__(self, day: object) -> bool:
        return any(day in table for table in self._english)

    def __iter__(self) -> Iterator[date]:
        return iter(sorted({day for table in self._english for day in table}))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _translate(self, name: str) -> str:
        """One name; a name the library invents later is shown as the library wrote it."""
        tail = ""
        for suffix, words in reversed(tuple(_SUFFIXES.items())):
            if name.endswith(suffix):
                name, tail = name.removesuffix(suffix), words[self._position] + tail
        known = _NAMES.get(name)
        return (known[self._position] if known else name) + tail


@lru_cache(maxsize=len(_SOURCES))
def _calendar(name: str) -> Calendar:
    source = _SOURCES[name]
    english = [_Days(source, source.english, "public")]
    if source.half_days:
        english.append(_Days(source, source.english, "half_day"))
    return Calendar(
        name=name,
        holidays=_Days(source, source.own_code, "public"),
        half_days=_Days(source, source.own_code, "half_day") if source.half_days else {},
        translations={language: _Translated(english, language) for language in _LANGUAGES},
        first=date(source.first_year, 1, 1),
        last=date(source.last_year, 12, 31),
    )
