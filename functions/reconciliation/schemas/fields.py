"""Members that several requests share, and values as several answers write them."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Annotated, Any, Final

from kernel.errors import ParseError
from kernel.identifiers import ledger_party
from kernel.identifiers.ledger_party import LedgerParty, PartyKind
from kernel.masking import mask_tckn
from kernel.money import Money
from kernel.parsing import parse_date_api
from kernel.stamp import Stamp
from kernel.why import Why
from reconciliation.domain.figures import Part
from reconciliation.domain.values import parse_code, parse_document_no
from toolkit.http.fields import DATE, MONEY, parsed

SHOWN: Final = "shown to whoever may read counterparties"
Say = Callable[[Iterable[Why]], list[str]]


def party_number(length: int) -> Callable[[object], LedgerParty]:
    """Reads a tax number (10 digits) or an identity number (11). Raises: ParseError."""

    def read(value: object) -> LedgerParty:
        party = ledger_party.parse(value)
        if len(party.number) != length:
            raise ParseError("SHAPE", f"the number has {length} digits")
        return party

    return read


def _amount(value: object) -> Money:
    return Money.from_api(value, allow_zero=True)


def _language(value: object) -> str:
    if value not in ("tr", "el", "en"):
        raise ParseError("CHOICE", "choose one of: tr, el, en")
    return str(value)


ApiDate = Annotated[date, parsed(parse_date_api, DATE)]
ApiAmount = Annotated[Money, parsed(_amount, MONEY)]
Code = Annotated[str, parsed(parse_code)]
DocumentNo = Annotated[str, parsed(parse_document_no)]
PERIOD: Final[Mapping[str, Any]] = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}$"}
Language = Annotated[str, parsed(_language, {"type": "string", "enum": ["tr", "el", "en"]})]


def party_out(party: LedgerParty) -> dict[str, Any]:
    """A company's number is public; a person's is shown masked."""
    if len(party.number) == 10:
        return {"tax_no": party.number, "national_id": None, "special": party.special}
    shown = party.number if party.kind is PartyKind.SPECIAL else mask_tckn(party.number)
    return {"tax_no": None, "national_id": shown, "special": party.special}


def part_out(part: Part) -> dict[str, Any]:
    """Documents and their sum."""
    return {"document_count": part.documents, "total": part.total.to_api()}


def stamped(stamp: Stamp) -> dict[str, Any]:
    """Which version, since when, and when it was changed."""
    return {
        "version": stamp.version,
        "created_at": stamp.created_at,
        "updated_at": stamp.updated_at,
    }
