"""What banks owe around one day, by everything it is looked up by (CRD-05).

Only the days around the one at hand are held; every look-up is one step, however many there are.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Expected:
    """A payment that the bank owes, or takes back (negative).

    Units: minor units; ``kept`` are the planned deductions. Shapes: ``key`` is opaque here.
    """

    key: str
    contract_code: str
    day: date
    currency: str
    gross: int
    kept: int
    document_no: str

    @property
    def net(self) -> int:
        """What is to arrive."""
        return self.gross - self.kept


def word_key(text: str) -> str:
    """A document number as it is compared: without case and signs around it."""
    return text.strip(".-/#*'\"").casefold()


class Bucket:
    """Receivables of one amount and day; those that are taken leave when they are met."""

    __slots__ = ("count", "items")

    def __init__(self) -> None:
        self.items: list[Expected] = []
        self.count = 0


class Group:
    """Open receivables of one contract and day, with their sums."""

    __slots__ = ("gross", "kept", "members")

    def __init__(self) -> None:
        self.members: dict[str, Expected] = {}
        self.gross = 0
        self.kept = 0


class Window:
    """The open receivables around a day, by everything they are looked up by."""

    def __init__(self) -> None:
        self.open: dict[str, Expected] = {}
        self.days: dict[date, list[Expected]] = defaultdict(list)
        self.amounts: dict[tuple[str, int, date], Bucket] = {}
        self.documents: dict[str, list[Expected]] = defaultdict(list)
        self.groups: dict[date, dict[tuple[str, str], Group]] = defaultdict(dict)
        self.grosses: dict[tuple[str, int, date], list[Expected]] = defaultdict(list)

    def add(self, one: Expected) -> None:
        """Look at a receivable from now on."""
        if not one.net:
            return  # nothing will arrive for it
        self.open[one.key] = one
        self.days[one.day].append(one)
        bucket = self.amounts.setdefault((one.currency, one.net, one.day), Bucket())
        bucket.items.append(one)
        bucket.count += 1
        self.documents[word_key(one.document_no)].append(one)
        if one.kept:
            self.grosses[one.currency, one.gross, one.day].append(one)
        group = self.groups[one.day].setdefault((one.currency, one.contract_code), Group())
        group.members[one.key] = one
        group.gross += one.gross
        group.kept += one.kept

    def take(self, one: Expected) -> None:
        """It is paid."""
        del self.open[one.key]
        self.amounts[one.currency, one.net, one.day].count -= 1
        group = self.groups[one.day][one.currency, one.contract_code]
        del group.members[one.key]
        group.gross -= one.gross
        group.kept -= one.kept

    def forget_before(self, day: date) -> None:
        """Drop what is too old to be paid by anything that comes."""
        for old in [each for each in self.days if each < day]:
            self.groups.pop(old, None)
            for one in self.days.pop(old):
                self.open.pop(one.key, None)
                self.amounts.pop((one.currency, one.net, old), None)
                self.grosses.pop((one.currency, one.gross, old), None)
                word = word_key(one.document_no)
                if not self.of_document(word):
                    self.documents.pop(word, None)

    def count(self, currency: str, net: int, day: date) -> int:
        """How many open receivables have this amount on this day."""
        bucket = self.amounts.get((currency, net, day))
        return bucket.count if bucket is not None else 0

    def first(self, currency: str, net: int, day: date) -> Expected:
        """One of them."""
        items = self.amounts[currency, net, day].items
        while items[-1].key not in self.open:
            items.pop()
        return items[-1]

    def of_document(self, word: str) -> list[Expected]:
        """Open receivables of a document, by day."""
        found = self.documents.get(word)
        if not found:
            return []
        found[:] = [one for one in found if one.key in self.open]
        return list(found)

    def of_gross(self, currency: str, gross: int, day: date) -> Expected | None:
        """An open receivable of a gross amount."""
        found = self.grosses.get((currency, gross, day), [])
        while found and found[-1].key not in self.open:
            found.pop()
        return found[-1] if found else None
