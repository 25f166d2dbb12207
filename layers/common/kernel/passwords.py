"""Which passwords are refused: short ones, and those a guesser tries first.

A word is not forbidden inside a long sentence; what is refused is a password that is nothing but
guessable words with digits and signs around them. Case, accents, the usual replacements (``4`` for
``a``) and the dotless ı make no difference.
Source: security.md §4; NIST SP 800-63B, section 5.1.1.2 (length, block list, no composition rules).
"""

import itertools
import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Final

from kernel.errors import ParseError
from kernel.text import fold

MIN_LENGTH: Final = 12
MAX_LENGTH: Final = 200
_MIN_DISTINCT: Final = 5
_LEET: Final = str.maketrans(
    {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i"}
)
_NOT_LETTERS: Final = re.compile(r"[^a-zα-ω]+")
_EDGES: Final = re.compile(r"^[^a-zα-ω]+|[^a-zα-ω]+$")
_RUNS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "qwertyuıopğüasdfghjklşizxcvbnmöç",
    "αβγδεζηθικλμνξοπρστυφχψω",
)
_COMMON_TEXT: Final = (
    "password passwort passw parola sifre sifrem kullanici kodum gizli giris admin "
    "administrator root user users guest test tester demo login welcome hosgeldin merhaba selam "
    "hello letmein master secret default changeme degistir guvenli iloveyou seniseviyorum askim "
    "canim bebegim istanbul ankara izmir turkiye turkey ataturk galatasaray fenerbahce besiktas "
    "trabzonspor athina athens ellada greece thessaloniki olympiakos panathinaikos kodikos "
    "mystiko kalimera kalispera kwdikos αθηνα ελλαδα κωδικος μυστικο καλημερα ολυμπιακος "
    "παναθηναικος θεσσαλονικη muhasebe muhasebeci mali musavir musavirlik bordro maas personel "
    "finans sigorta emeklilik banka logistirio logistis λογιστηριο λογιστης μισθοδοσια dragon "
    "monkey football baseball superman batman pokemon shadow sunshine princess flower computer "
    "internet samsung iphone android google facebook instagram whatsapp january february march "
    "april june july august september october november december ocak subat mart nisan mayis "
    "haziran temmuz agustos eylul ekim kasim aralik monday tuesday wednesday thursday friday "
    "saturday sunday pazartesi sali carsamba persembe cuma cumartesi pazar spring summer autumn "
    "winter ilkbahar sonbahar yaz kis qwerty qwertz asdf asdfgh zxcvbn abc abcd abcdef qaz wsx "
    "edc kopru koprusu gefyra γεφυρα bridge pension pensions portal hesap benim"
)


def check_password(password: str, *, words: Iterable[str] = ()) -> str:
    """The password, if it may be used. ``words`` belong to the person and the company.

    Units: 12 to 200 characters as typed; blanks count and are kept.
    Raises: ParseError("PASSWORD_SHORT" | "PASSWORD_LONG" | "PASSWORD_COMMON" |
    "PASSWORD_OWN_WORDS").
    """
    if len(password) < MIN_LENGTH:
        raise ParseError("PASSWORD_SHORT", f"A password has at least {MIN_LENGTH} characters.")
    if len(password) > MAX_LENGTH:
        raise ParseError("PASSWORD_LONG", f"A password has at most {MAX_LENGTH} characters.")
    if _is_common(password):
        raise ParseError("PASSWORD_COMMON", "This password is among the first that are guessed.")
    if _is_made_of(_letters(password), _own_words(words)):
        raise ParseError(
            "PASSWORD_OWN_WORDS", "Do not make the password from your name, address or company."
        )
    return password


def _is_common(password: str) -> bool:
    plain = _plain(password)
    if len(set(plain)) < _MIN_DISTINCT or _is_run(plain):
        return True
    return any(not letters or _is_made_of(letters, _common()) for letters in _spellings(plain))


def _plain(text: str) -> str:
    """Lower case without any accent or cedilla, dotless ı as i, final ς as σ."""
    decomposed = unicodedata.normalize("NFD", fold(text))
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def _spellings(plain: str) -> set[str]:
    """The letters of a password: digits dropped, and digits read as the letters they stand for."""
    core = _EDGES.sub("", plain)
    return {_NOT_LETTERS.sub("", plain), _NOT_LETTERS.sub("", core.translate(_LEET))}


def _letters(text: str) -> str:
    return _NOT_LETTERS.sub("", _plain(text))


@cache
def _common() -> frozenset[str]:
    return frozenset(_plain(word) for word in _COMMON_TEXT.split())


def _own_words(words: Iterable[str]) -> frozenset[str]:
    parts = (part for word in words for part in re.split(r"[\s@._-]+", word))
    return frozenset(letters for part in parts if len(letters := _letters(part)) >= 3) | _common()


def _is_run(plain: str) -> bool:
    """Neighbours on a keyboard or in an alphabet, forwards or backwards, make up the whole."""
    steps = 0
    for first, second in itertools.pairwise(plain):
        pair = first + second
        if any(pair in run or pair[::-1] in run for run in _runs()):
            steps += 1
    return steps >= len(plain) - 3


@cache
def _runs() -> tuple[str, ...]:
    return tuple(_plain(run) for run in _RUNS)


def _is_made_of(letters: str, words: frozenset[str]) -> bool:
    """Whether ``letters`` is a sequence of ``words`` with at most two letters left over."""
    if not letters:
        return False
    fewest = [0] + [len(letters) + 1] * len(letters)
    for end in range(1, len(letters) + 1):
        fewest[end] = fewest[end - 1] + 1
        for start in range(max(0, end - 24), end - 1):
            if letters[start:end] in words and fewest[start] < fewest[end]:
                fewest[end] = fewest[start]
    return fewest[-1] <= 2
