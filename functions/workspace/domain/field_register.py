"""The field register of the whole product (*kişisel veri işleme envanteri*), as a document.

Each context says as data what it holds; ``infra.tools.field_register`` joins the six registers into
one file, because contexts do not import each other.
Source: KVKK art. 16 and by-law on the register of controllers art. 5; GDPR art. 30.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class RegisterLine:
    """One personal value. Shapes: codes are worded by the reader's language; ``kept_months`` is
    0 where ``kept_days`` says it.
    """

    context: str
    record: str
    field: str
    what: str
    purpose: str
    basis: str
    articles: tuple[str, ...]
    kept_months: int
    kept_days: int
    kept_source: str
    store: str
    readers: tuple[str, ...]
    masked: bool


MASKED_KINDS: Final = frozenset({"number", "iban", "phone", "email", "credential"})
"""Kinds that are shown masked unless somebody asks to see them, which is noted."""


@dataclass(frozen=True, slots=True)
class FieldRegister:
    """All contexts, in the order of the catalogue."""

    contexts: tuple[Mapping[str, Any], ...]

    def lines(self) -> Iterator[RegisterLine]:
        """Every value, context by context."""
        for said in self.contexts:
            for record in said["records"]:
                for one in record["fields"]:
                    yield RegisterLine(
                        context=said["context"],
                        record=record["kind"],
                        field=one["field"],
                        what=one["what"],
                        purpose=record["purpose"],
                        basis=record["basis"],
                        articles=tuple(record["articles"]),
                        kept_months=record.get("kept_months", 0),
                        kept_days=record.get("kept_days", 0),
                        kept_source=record["kept_source"],
                        store=record["store"],
                        readers=tuple(record["readers"]),
                        masked=one["what"] in MASKED_KINDS,
                    )
