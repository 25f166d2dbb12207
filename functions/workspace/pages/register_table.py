"""The field register in words: as rows of a page, and as a file for the authority."""

from collections.abc import Iterator
from dataclasses import dataclass

from kernel.files import TableWriter
from toolkit.entrypoints.http import Reply
from toolkit.http.files import file_reply
from webkit.i18n import Language
from workspace.domain.field_register import FieldRegister, RegisterLine
from workspace.pages.words import sentence


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """One personal value as people read it."""

    context: str
    record: str
    field: str
    what: str
    purpose: str
    basis: str
    kept: str
    source: str
    store: str
    readers: str
    shown: str
    is_masked: bool


def word(words: Language, kind: str, code: str) -> str:
    """The word of a code, or the code."""
    return sentence(words, kind, code, {}) or code.replace("_", " ")


def kept_words(words: Language, line: RegisterLine) -> str:
    """How long, in the unit of the rule."""
    if line.kept_days:
        return words.text("%(days)s days after it was written", days=line.kept_days)
    if line.kept_months % 12 == 0:
        return words.text("%(years)s years after the last change", years=line.kept_months // 12)
    return words.text("%(months)s months after the last change", months=line.kept_months)


def register_rows(words: Language, register: FieldRegister) -> Iterator[RegisterRow]:
    """Every value of the register."""
    for line in register.lines():
        yield RegisterRow(
            context=word(words, "area", line.context),
            record=word(words, "subject", line.record),
            field=line.field,
            what=word(words, "datum", line.what),
            purpose=word(words, "purpose", line.purpose),
            basis=f"{word(words, 'basis', line.basis)} ({', '.join(line.articles)})",
            kept=kept_words(words, line),
            source=sentence(words, "rule", line.kept_source, {}) or line.kept_source,
            store=word(words, "store", line.store),
            readers=", ".join(line.readers),
            shown=words.text("masked") if line.masked else words.text("in clear"),
            is_masked=line.masked,
        )


def register_header(words: Language) -> tuple[str, ...]:
    """Names of the columns."""
    return (
        words.text("Part"),
        words.text("Record"),
        words.text("Field"),
        words.text("What it is"),
        words.text("Purpose"),
        words.text("Legal basis"),
        words.text("Kept"),
        words.text("Rule"),
        words.text("Stored in"),
        words.text("Who may read"),
        words.text("Shown"),
    )


def register_file(
    writer: TableWriter, register: FieldRegister, words: Language, file_format: str
) -> Reply:
    """The register as a table to hand out. Raises: ValidationError for an unknown format."""
    rows = (
        (
            row.context,
            row.record,
            row.field,
            row.what,
            row.purpose,
            row.basis,
            row.kept,
            row.source,
            row.store,
            row.readers,
            row.shown,
        )
        for row in register_rows(words, register)
    )
    return file_reply(writer.write(file_format, "field-register", register_header(words), rows))
