"""Letter texts: versioned data that the company approves before anything is sent with them.

Nothing in a letter may say that silence is acceptance: for a mail that is not so, and the sentence
in common use stands on a repealed law (domain/reconciliation.md §5). A sentence about law appears
only when its parameter row names where it stands and somebody verified it there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from kernel.errors import ConflictError, Problem, ValidationError
from kernel.stamp import NEW, Stamp
from kernel.text import fold

MAX_TEXT: Final = 2000
MAX_SUBJECT: Final = 120
LANGUAGES: Final = ("tr", "el", "en")
PLACES: Final = frozenset({"sender", "receiver", "period", "their_form", "documents", "total"})
"""What a text may name in braces, for example ``{sender}``."""

_PLACE: Final = re.compile(r"\{([^{}]*)\}")


class TemplateState(StrEnum):
    """Whether letters may be sent with it."""

    DRAFT = "draft"
    APPROVED = "approved"


@dataclass(frozen=True, slots=True)
class LetterText:
    """What a letter says around its figures. Shapes: plain text with ``{places}``."""

    subject: str
    opening: str
    request: str
    closing: str


@dataclass(frozen=True, slots=True)
class LetterTemplate:
    """One version of the letter text in one language.

    Shapes: ``version`` counts from 1 within a language; ``approved_by`` is the actor that released
    it, empty for a draft. A released version never changes.
    """

    language: str
    version: int
    text: LetterText
    state: TemplateState = TemplateState.DRAFT
    approved_by: str = ""
    approved_at: str = ""
    stamp: Stamp = NEW

    @property
    def id(self) -> str:
        """Language and version, ``tr-3``."""
        return f"{self.language}-{self.version}"

    @property
    def name(self) -> str:
        """How an edition remembers it."""
        return f"babs-{self.language}/{self.version}"


def latest_by_language(templates: Iterable[LetterTemplate]) -> dict[str, LetterTemplate]:
    """The newest version of every language, drafts included."""
    return {one.language: one for one in sorted(templates, key=lambda one: one.version)}


_SILENCE: Final = tuple(
    fold(text)
    for text in (
        "kabul edilmiş say",
        "kabul etmiş say",
        "kabul edeceğiz",
        "mutabık say",
        "mutabık olduğunuz kabul",
        "itiraz edilmediği takdirde",
        "itiraz etmediğiniz takdirde",
        "cevap verilmediği takdirde",
        "cevap vermediğiniz takdirde",
        "yanıt vermediğiniz takdirde",
        "yanıt verilmediği takdirde",
        "cevap alınmadığı takdirde",
        "sessiz kal",
        "6762",
        "ttk 92",
        "deemed accept",
        "deemed to have accept",
        "deemed to be accept",
        "considered accept",
        "considered as accept",
        "regarded as accept",
        "treated as accept",
        "taken as acceptance",
        "taken as agreement",
        "silence",
        "if we do not hear",
        "if you do not reply",
        "if you do not respond",
        "in the absence of a reply",
        "θεωρείται αποδεκτ",
        "θεωρηθεί αποδεκτ",
        "θεωρούνται αποδεκτ",
        "θεωρείται ότι συμφωνείτε",
        "θα θεωρηθεί ότι",
        "σιωπή",
        "αν δεν απαντήσετε",
        "εάν δεν απαντήσετε",
    )
)
"""Beginnings of sentences that make an answer out of none, folded. The list errs on the strict
side: a letter can always ask for an answer in other words."""


def problems_of(text: LetterText) -> list[Problem]:
    """Everything that is wrong with a text, by field."""
    found: list[Problem] = []
    limits = {"subject": MAX_SUBJECT, "opening": MAX_TEXT, "request": MAX_TEXT, "closing": MAX_TEXT}
    for name, limit in limits.items():
        value = getattr(text, name)
        if not value.strip() and name != "closing":
            found.append(Problem(f"/{name}", "required", "This part of the letter is needed."))
        if len(value) > limit:
            found.append(Problem(f"/{name}", "length", f"At most {limit} characters."))
        if name == "subject" and not value.isprintable():
            found.append(Problem("/subject", "one_line", "The subject is one line."))
        unknown = set(_PLACE.findall(value)) - PLACES
        if unknown or value.count("{") != value.count("}"):
            known = ", ".join(f"{{{place}}}" for place in sorted(PLACES))
            found.append(Problem(f"/{name}", "unknown_place", f"Known places are {known}."))
        folded = fold(value)
        if any(phrase in folded for phrase in _SILENCE):
            message = "A letter never says that silence is acceptance, nor quotes repealed law."
            found.append(Problem(f"/{name}", "silence_as_consent", message))
    return found


def check_text(text: LetterText) -> None:
    """Raises: ValidationError with everything that is wrong."""
    if problems := problems_of(text):
        raise ValidationError("invalid_input", "Some parts are wrong.", problems=problems)


def approved(template: LetterTemplate, actor: str, at: str) -> LetterTemplate:
    """The version after the company released it.

    Raises: ConflictError("template_approved") for one that is released; ValidationError.
    """
    if template.state is TemplateState.APPROVED:
        raise ConflictError("template_approved", "This version is released already.")
    check_text(template.text)
    return replace(template, state=TemplateState.APPROVED, approved_by=actor, approved_at=at)


def filled(text: str, places: Mapping[str, str]) -> str:
    """The text with its places filled; values are never read as places themselves."""
    return _PLACE.sub(lambda match: places.get(match[1], match[0]), text)


STARTING_TEXTS: Final[Mapping[str, LetterText]] = MappingProxyType(
    {
        "tr": LetterText(
            "{period} Ba-Bs mutabakatı – {sender}",
            "{period} dönemine ait kayıtlarımıza göre, {their_form} bildiriminize konu belgelere "
            "ilişkin bilgiler aşağıdadır.",
            "Lütfen kayıtlarınızla karşılaştırınız; mutabık olup olmadığınızı bildiriniz. "
            "Farklılık varsa kendi belge adedinizi ve tutarınızı, mümkünse cari hesap ekstrenizi "
            "iletiniz.",
            "Hata ve unutma müstesnadır.",
        ),
        "el": LetterText(
            "Συμφωνία Ba-Bs {period} – {sender}",
            "Σύμφωνα με τα βιβλία μας για την περίοδο {period}, τα στοιχεία που αφορούν τη δική "
            "σας δήλωση {their_form} είναι τα εξής.",
            "Παρακαλούμε συγκρίνετέ τα με τα βιβλία σας και γνωρίστε μας αν συμφωνείτε. Αν "
            "υπάρχει διαφορά, στείλτε μας το πλήθος και το ποσό των δικών σας παραστατικών και, "
            "αν γίνεται, την καρτέλα σας.",
            "Με επιφύλαξη λαθών και παραλείψεων.",
        ),
        "en": LetterText(
            "Ba-Bs reconciliation {period} – {sender}",
            "According to our books for {period}, these are the figures that concern your "
            "{their_form} form.",
            "Please compare them with your books and tell us whether you agree. If they differ, "
            "send us your own number of documents and amount and, if possible, your statement of "
            "account.",
            "Errors and omissions excepted.",
        ),
    }
)
"""What a company starts from; it still has to approve it (domain/reconciliation.md §3 and §5)."""
