"""Turkish and Greek text: casing, folding, sorting, and cleaning of what people and files send.

Python's ``upper`` and ``lower`` know no Turkish ("ISPARTA".lower() is "isparta") and must not touch
names. Folding is for search and matching only: what was received is what is stored.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal

from kernel.errors import ParseError
from kernel.masking import mask_email as mask_email
from kernel.masking import mask_iban as mask_iban
from kernel.masking import mask_name as mask_name
from kernel.masking import mask_phone as mask_phone
from kernel.masking import mask_tckn as mask_tckn
from kernel.masking import mask_username as mask_username
from kernel.scripts import GREEK, LATIN, is_mark, longest_mark_run, script_of, scripts_of

Language = Literal["tr", "el", "en"]
"""Languages of the product."""

_TR_UPPER: Final = str.maketrans({"i": "İ", "ı": "I"})
_TR_LOWER: Final = str.maketrans({"İ": "i", "I": "ı"})
_ALL_I: Final = str.maketrans({"İ": "i", "I": "i", "ı": "i"})
_TONOS: Final = "\u0301"
_GREEK_LETTER: Final = re.compile("[\u0370-\u03ff\u1f00-\u1fff]")
_TR_ALPHABET: Final = "abcçdefgğhıijklmnoöpqrsştuüvwxyz"
# 32 letters from "a" on: after the digits and before Greek, as in plain code point order.
_TR_ORDER: Final = {ord(char): chr(0x61 + place) for place, char in enumerate(_TR_ALPHABET)}

_SPACES: Final = str.maketrans({"\u00a0": " ", "\u202f": " "})
_RUN_OF_SPACES: Final = re.compile(" +")
_WORD_BREAK: Final = re.compile(r"[\s/&(),;+\u2013\u2014-]+")
_EQUAL_MARKS: Final = re.compile(r"(.)\1\1", re.DOTALL)
_VISIBLE_ASCII: Final = re.compile("[!-~]*")
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
# Letters and signs that are canonical whatever stands beside them: most names are made of nothing
# else, and need none of the checks below.
_PLAIN: Final = re.compile("[A-Za-z0-9ÇÖÜçöüĞğİıŞşΑ-ΡΣ-Ωα-ωΆΈΉΊΌΎΏάέήίόύώΪΫϊϋΐΰ '’.,&/()-]*")
_NAME_SIGNS: Final = frozenset(" '’-.")
_REPLACEMENT: Final = "\ufffd"
_MAX_MARKS: Final = 4
# Characters XML forbids; what cannot be stored cannot break an export.
_NOT_XML: Final = frozenset("\ufffe\uffff")

_LEGAL_FORMS: Final = (
    ("anonim", "şirketi"),
    ("anonim", "şti"),
    ("limited", "şirketi"),
    ("ltd", "şti"),
    ("a", "ş"),
    ("aş",),
    ("ltd",),
    ("şti",),
    ("ανωνυμη", "εταιρεια"),
    ("α", "ε"),
    ("αε",),
    ("ε", "π", "ε"),
    ("επε",),
    ("ι", "κ", "ε"),
    ("ικε",),
    ("ο", "ε"),
    ("οε",),
    ("ε", "ε"),
    ("εε",),
)


def tr_upper(text: str) -> str:
    """Turkish capitals: i → İ, ı → I."""
    return unicodedata.normalize("NFC", text).translate(_TR_UPPER).upper()


def tr_lower(text: str) -> str:
    """Turkish small letters: İ → i, I → ı; one code point each."""
    return unicodedata.normalize("NFC", text).translate(_TR_LOWER).lower()


def el_upper(text: str) -> str:
    """Greek capitals, which carry no tonos: Άλφα → ΑΛΦΑ; the dialytika stay."""
    decomposed = unicodedata.normalize("NFD", text)
    kept = "".join(
        char
        for char, base in zip(decomposed, _bases(decomposed), strict=True)
        if not (char == _TONOS and script_of(base) == GREEK)
    )
    return unicodedata.normalize("NFC", kept).upper()


def fold(text: str) -> str:
    """Form for searching: no case, ı = i = İ = I, Greek accents off, ς = σ.

    Source: ux.md, section 6 (casing is ours); Turkish ç ğ ö ş ü stay letters of their own.
    """
    composed = unicodedata.normalize("NFC", text).replace("i\u0307", "i")
    caseless = composed.translate(_ALL_I).casefold()
    if _GREEK_LETTER.search(caseless) is None:
        return unicodedata.normalize("NFC", caseless)
    folded = unicodedata.normalize("NFD", caseless)
    kept = "".join(
        char
        for char, base in zip(folded, _bases(folded), strict=True)
        if not (is_mark(char) and script_of(base) == GREEK)
    )
    return unicodedata.normalize("NFC", kept)


def matching_key(text: str) -> str:
    """Form for comparing titles of companies: folded, no punctuation, no legal form at the end."""
    spaced = "".join(char if char.isalnum() or is_mark(char) else " " for char in fold(text))
    words = spaced.split()
    while tail := next(
        (form for form in _LEGAL_FORMS if len(words) > len(form) and _ends(words, form)), None
    ):
        del words[-len(tail) :]
    return " ".join(words)


def sort_key(text: str, language: Language) -> str:
    """Text that sorts by code point the way people of ``language`` expect.

    Shapes: base letters first, accents and case only break ties. In Turkish ç ğ ı ö ş ü are letters
    with places of their own; in Greek and English they sort with their base letter.
    """
    if language == "tr":
        lowered = tr_lower(text)
        primary = "".join(
            _TR_ORDER.get(ord(char)) or _TR_ORDER.get(ord(_base(char)), _base(char))
            for char in lowered
        )
    else:
        lowered = fold(text)
        primary = "".join(_base(char) for char in lowered)
    return f"{primary}\0{lowered}\0{text}"


def clean_person_name(value: object) -> str:
    """First or last name of a person, in canonical form.

    Shapes: 2 to 100 characters: letters of one script (Latin or Greek), spaces, ' ’ - and point.
    Raises: ParseError("TYPE" | "INVISIBLE" | "LOST_LETTER" | "LOOKALIKE" | "MARKS" | "CHARACTER" |
    "SCRIPT" | "NO_LETTER" | "LENGTH").
    """
    name = _clean_title(value)
    for position, char in enumerate(name):
        if char in _NAME_SIGNS or script_of(char) is not None:
            continue
        if is_mark(char) and position and _carries(name[position - 1]):
            continue
        raise ParseError("CHARACTER", "a name has letters, spaces, apostrophes, hyphens and points")
    scripts = scripts_of(name)
    if not scripts:
        raise ParseError("NO_LETTER", "a name has letters")
    if scripts not in ({LATIN}, {GREEK}):
        raise ParseError("SCRIPT", "write the name in one alphabet, Latin or Greek")
    if not 2 <= len(name) <= 100:
        raise ParseError("LENGTH", "a name has 2 to 100 characters")
    return name


def clean_company_title(value: object) -> str:
    """Title of a company, in canonical form.

    Shapes: 1 to 200 characters with at least one letter; no word mixes alphabets. Words end at
    blanks, hyphens, slashes, ampersands, commas and brackets, not at points.
    Raises: ParseError as for a person's name.
    """
    title = _clean_title(value)
    for char in title:
        if unicodedata.category(char) in {"Zl", "Zp"} or (char.isspace() and char != " "):
            raise ParseError("CHARACTER", "the title is one line")
    if not scripts_of(title):
        raise ParseError("NO_LETTER", "a title has at least one letter")
    if any(len(scripts_of(word)) > 1 for word in _WORD_BREAK.split(title)):
        raise ParseError("SCRIPT", "a word of the title mixes alphabets")
    if len(title) > 200:
        raise ParseError("LENGTH", "a title has at most 200 characters")
    return title


def clean_payer_name(text: str) -> str:
    """Name a bank reports with a payment: kept as received, never a reason to refuse money.

    Shapes: NFC, at most 140 characters, no control or format characters; a lone surrogate, which no
    store can hold, becomes U+FFFD.
    """
    kept = (
        _REPLACEMENT if unicodedata.category(char) == "Cs" else char
        for char in unicodedata.normalize("NFC", text)
        if unicodedata.category(char) not in {"Cc", "Cf"}
    )
    return unicodedata.normalize("NFC", "".join(kept))[:140]


def clean_free_text(value: object, limit: int = 2000) -> str:
    """Note or reason: any text in NFC with line feeds and tabs; markup is kept as text.

    Raises: ParseError("TYPE" | "INVISIBLE" | "LOST_LETTER" | "MARKS" | "LENGTH").
    """
    text = unicodedata.normalize("NFC", _text(value).replace("\r\n", "\n"))
    for char in text:
        if char in "\n\t":
            continue
        if unicodedata.category(char) in {"Cc", "Cf", "Cs"} or char in _NOT_XML:
            raise ParseError("INVISIBLE", "the text contains a character nobody can see")
    if _REPLACEMENT in text:
        raise ParseError("LOST_LETTER", "the text contains letters that were lost on the way")
    if longest_mark_run(text) > _MAX_MARKS:
        raise ParseError("MARKS", "the text stacks too many accents on one letter")
    if len(text) > limit:
        raise ParseError("LENGTH", f"the text has at most {limit} characters")
    return text


def clean_credential(value: object) -> str:
    """User name or password that another system gave, exactly as typed.

    Only what no envelope could carry is refused: a line break pasted from a message, or another
    character nobody can see, would fail at every call and look like an outage of the other side.
    Raises: ParseError("TYPE" | "INVISIBLE").
    """
    text = _text(value)
    if any(unicodedata.category(char) in {"Cc", "Cf", "Cs"} or char in _NOT_XML for char in text):
        raise ParseError("INVISIBLE", "the text contains a character nobody can see")
    return text


def clean_header_key(value: object) -> str:
    """Key that travels in a header: visible ASCII; blanks (U+0020) around it dropped.

    Raises: ParseError("TYPE" | "CHARACTER").
    """
    key = _text(value).strip(" ")
    if _VISIBLE_ASCII.fullmatch(key) is None:
        raise ParseError("CHARACTER", "the key has letters, digits and signs, and no blanks")
    return key


def clean_mail_header(value: object) -> str:
    """Text that reaches the subject or display name of a mail.

    Raises: ParseError("TYPE" | "INVISIBLE" | "ENCODED_WORD" | "LENGTH").
    """
    text = unicodedata.normalize("NFC", _text(value))
    if any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in text):
        raise ParseError("INVISIBLE", "the text is one line without invisible characters")
    if "=?" in text:
        raise ParseError("ENCODED_WORD", "the text must not contain =?")
    if not 1 <= len(text) <= 120:
        raise ParseError("LENGTH", "the text has 1 to 120 characters")
    return text


def shortened(text: str, limit: int) -> str:
    """The text, or its beginning with an ellipsis; never more than ``limit`` characters."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ParseError("TYPE", "the value must be text")
    return value


def _clean_title(value: object) -> str:
    given = _text(value)
    if _PLAIN.fullmatch(given):
        return _RUN_OF_SPACES.sub(" ", given).strip(" ")
    composed = unicodedata.normalize("NFC", given.translate(_SPACES))
    # Lower-casing İ elsewhere leaves a lone dot above: repaired, not refused.
    repaired = unicodedata.normalize("NFC", composed.replace("i\u0307", "i"))
    text = _RUN_OF_SPACES.sub(" ", repaired).strip(" ")
    if any(unicodedata.category(char) in _INVISIBLE for char in text):
        raise ParseError("INVISIBLE", "the text contains a character nobody can see")
    if _REPLACEMENT in text:
        raise ParseError("LOST_LETTER", "the text contains letters that were lost on the way")
    if unicodedata.normalize("NFKC", text) != text:
        raise ParseError(
            "LOOKALIKE",
            "the text contains stylised letters or signs",
            unicodedata.normalize("NFKC", text),
        )
    if longest_mark_run(text) > _MAX_MARKS or any(
        is_mark(match[1]) for match in _EQUAL_MARKS.finditer(text)
    ):
        raise ParseError("MARKS", "the text stacks too many accents on one letter")
    return text


def _carries(char: str) -> bool:
    return script_of(char) is not None or is_mark(char)


def _base(char: str) -> str:
    return unicodedata.normalize("NFD", char)[0]


def _bases(decomposed: str) -> list[str]:
    bases: list[str] = []
    for char in decomposed:
        bases.append(bases[-1] if bases and is_mark(char) else char)
    return bases


def _ends(words: list[str], tail: tuple[str, ...]) -> bool:
    return tuple(words[-len(tail) :]) == tail
