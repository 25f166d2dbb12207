"""Payroll files the way three different products write them.

One is a Windows-1254 CSV with semicolons and capital headings, one a workbook with title lines,
identity numbers and phones as numbers and dates as text, one a UTF-8 CSV of a program.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from infra.local.demo.people import Person
from kernel.csv_cells import csv_cell
from kernel.money import Money
from kernel.periods import Period

Fields = dict[str, str]
"""One row by canonical field, as this product writes the values."""

_MONTHS: Final = (
    *("Ocak", "Şubat", "Mart", "Nisan", "Mayıs", "Haziran"),
    *("Temmuz", "Ağustos", "Eylül", "Ekim", "Kasım", "Aralık"),
)
# Eleven digits fit into a number exactly; a leading zero is lost on the way, as in real files.
_NUMBER: Final = re.compile(r"[0-9]{1,11}(?:\.[0-9]{2})?", re.ASCII)
_CREATED: Final = datetime(2026, 10, 31, tzinfo=UTC).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class Earnings:
    """What one person earned in the month; no amount means no pensionable earnings."""

    person: Person
    amount: Money | None
    paid_on: date


@dataclass(frozen=True, slots=True)
class PayrollProduct:
    """One payroll product: names of its columns, spelling of its values, form of its files.

    Shapes: the headings map what is written to the canonical field it holds; a field that starts
    with ``-`` is known to payroll only. ``title_lines`` stand above the header.
    """

    key: str
    suffix: str
    personnel: Mapping[str, str]
    earnings: Mapping[str, str]
    date_separator: str
    title_lines: int
    render: Callable[[Sequence[str], Sequence[str], Sequence[Sequence[str]]], bytes]
    amount: Callable[[Money], str]
    rate: Callable[[str], str]

    def day(self, value: date | None) -> str:
        """A date as this product writes it, "" for none."""
        if value is None:
            return ""
        dot = self.date_separator
        return f"{value.day:02d}{dot}{value.month:02d}{dot}{value.year:04d}"

    def person_fields(self, person: Person) -> Fields:
        """A right row of the personnel list."""
        return {
            "-row": "",
            "-personnel_no": person.personnel_no,
            "-city": person.city,
            "national_id": person.national_id,
            "first_name": person.first_name,
            "last_name": person.last_name,
            "birth_date": self.day(person.birth_date),
            "gender": "K" if person.gender == "female" else "E",
            "mobile": "0" + person.mobile[3:],
            "email": person.email,
            "iban": person.iban,
            "hired_on": self.day(person.hired_on),
            "left_on": self.day(person.left_on),
            "fund_preference": "Faizli" if person.fund_preference == "interest" else "Faizsiz",
            "contribution_rate": self.rate(person.rate),
        }

    def earning_fields(self, earnings: Earnings) -> Fields:
        """A row of the month's earnings."""
        return {
            "national_id": earnings.person.national_id,
            "-full_name": f"{earnings.person.first_name} {earnings.person.last_name}",
            "earnings": "" if earnings.amount is None else self.amount(earnings.amount),
            "rate": self.rate(earnings.person.rate),
            "paid_on": self.day(earnings.paid_on),
        }

    def file(
        self, titles: Sequence[str], headings: Mapping[str, str], rows: Sequence[Fields]
    ) -> bytes:
        """The bytes of a file with these rows under these headings."""
        cells = [
            [_cell(row, field, number) for field in headings.values()]
            for number, row in enumerate(rows, start=1)
        ]
        return self.render(titles[: self.title_lines], list(headings), cells)

    @property
    def first_line(self) -> int:
        """The line of the first data row."""
        return self.title_lines + 2


def month_name(period: Period) -> str:
    """``Ekim 2026``."""
    return f"{_MONTHS[period.month - 1]} {period.year}"


def _cell(row: Fields, field: str, number: int) -> str:
    if field == "-row":
        return str(number)
    if field == "full_name":
        return f"{row['first_name']} {row['last_name']}".strip()
    return row[field]


def _turkish(amount: Money) -> str:
    whole, _, decimals = amount.amount_text.partition(".")
    return f"{int(whole):,}".replace(",", ".") + f",{decimals}"


def _windows_csv(
    _titles: Sequence[str], header: Sequence[str], rows: Sequence[Sequence[str]]
) -> bytes:
    lines = [";".join(header), *(";".join(map(csv_cell, row)) for row in rows)]
    return ("\r\n".join(lines) + "\r\n").encode("cp1254")


def _utf8_csv(
    _titles: Sequence[str], header: Sequence[str], rows: Sequence[Sequence[str]]
) -> bytes:
    lines = [",".join(header), *(",".join(map(_quoted, row)) for row in rows)]
    return ("\n".join(lines) + "\n").encode("utf-8")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\n') else text


def _workbook(titles: Sequence[str], header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """A workbook as a payroll product writes it: numbers as numbers, dates as text."""
    import xlsxwriter

    output = io.BytesIO()
    book = xlsxwriter.Workbook(output, {"strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"created": _CREATED})
    sheet = book.add_worksheet("Personel")
    bold = book.add_format({"bold": True})
    for line, title in enumerate(titles):
        sheet.write_string(line, 0, title, bold)
    for column, name in enumerate(header):
        sheet.write_string(len(titles), column, name, bold)
    for line, row in enumerate(rows, start=len(titles) + 1):
        for column, text in enumerate(row):
            if _NUMBER.fullmatch(text):
                sheet.write_number(line, column, float(text))
            else:
                sheet.write_string(line, column, text)
    book.close()
    return output.getvalue()


WINDOWS_CSV: Final = PayrollProduct(
    key="windows_csv",
    suffix="csv",
    personnel={
        "SIRA NO": "-row",
        "SİCİL NO": "-personnel_no",
        "T.C. KİMLİK NO": "national_id",
        "ADI": "first_name",
        "SOYADI": "last_name",
        "DOĞUM TARİHİ": "birth_date",
        "CİNSİYET": "gender",
        "CEP TELEFONU": "mobile",
        "E-POSTA": "email",
        "IBAN NO": "iban",
        "İŞE GİRİŞ TARİHİ": "hired_on",
        "İŞTEN ÇIKIŞ TARİHİ": "left_on",
        "ŞEHİR": "-city",
        "FON TERCİHİ": "fund_preference",
        "KATKI ORANI": "contribution_rate",
    },
    earnings={
        "T.C. KİMLİK NO": "national_id",
        "ADI SOYADI": "-full_name",
        "PRİME ESAS KAZANÇ": "earnings",
        "KATKI PAYI ORANI": "rate",
        "ÜCRET ÖDEME TARİHİ": "paid_on",
    },
    date_separator=".",
    title_lines=0,
    render=_windows_csv,
    amount=_turkish,
    rate=lambda rate: rate.replace(".", ","),
)
TITLED_WORKBOOK: Final = PayrollProduct(
    key="titled_workbook",
    suffix="xlsx",
    personnel={
        "Sicil": "-personnel_no",
        "TC Kimlik Numarası": "national_id",
        "Adı": "first_name",
        "Soyadı": "last_name",
        "Doğum Tar.": "birth_date",
        "Cinsiyet": "gender",
        "GSM": "mobile",
        "E-Posta Adresi": "email",
        "Banka Hesap No (IBAN)": "iban",
        "Giriş Tarihi": "hired_on",
        "Çıkış Tarihi": "left_on",
        "Şehir": "-city",
        "Fon Tercihi": "fund_preference",
        "Kesinti Oranı": "contribution_rate",
    },
    earnings={
        "TC Kimlik Numarası": "national_id",
        "Personel Adı": "-full_name",
        "PEK": "earnings",
        "Oran": "rate",
        "Ücret Ödeme Günü": "paid_on",
    },
    date_separator="/",
    title_lines=3,
    render=_workbook,
    amount=lambda amount: amount.amount_text,
    rate=lambda rate: rate.replace(".", ","),
)
UTF8_CSV: Final = PayrollProduct(
    key="utf8_csv",
    suffix="csv",
    personnel={
        "sicil_no": "-personnel_no",
        "tckn": "national_id",
        "ad": "first_name",
        "soyad": "last_name",
        "dogum_tarihi": "birth_date",
        "cinsiyet": "gender",
        "cep": "mobile",
        "eposta": "email",
        "iban": "iban",
        "ise_giris_tarihi": "hired_on",
        "isten_cikis_tarihi": "left_on",
        "fon_tercihi": "fund_preference",
        "katki_orani": "contribution_rate",
    },
    earnings={
        "tckn": "national_id",
        "pek": "earnings",
        "oran": "rate",
        "odeme_tarihi": "paid_on",
    },
    date_separator=".",
    title_lines=0,
    render=_utf8_csv,
    amount=lambda amount: amount.amount_text,
    rate=lambda rate: rate,
)
