"""The HTTP and event edge of card contracts: models of requests and signed events."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated, Final

from pydantic import Field

from card_contracts.domain.company import CompanySettings
from card_contracts.domain.contract import CalendarName, Contract, ContractState
from card_contracts.domain.deductions import Basis, Deduction, Kind, Timing, parse_rate
from card_contracts.domain.limits import CardKind, Limits
from card_contracts.domain.lookups import (
    AccountKind,
    BankAccount,
    Card,
    DeductionDefinition,
    DeductionType,
    Issuer,
)
from card_contracts.domain.matching import Rules
from card_contracts.domain.sale import (
    RefundFields,
    Returned,
    SaleFields,
)
from card_contracts.domain.sale_event import SaleEvent, SaleEventKind
from card_contracts.domain.schedule import BusinessDayRule
from card_contracts.domain.settlement import DriftRules
from card_contracts.domain.terms import (
    Band,
    Blockage,
    BlockageKind,
    Collection,
    Cutoff,
    Maturity,
    MaturityKind,
    OnDay,
    SkipAndBlock,
    Strategy,
    Term,
)
from kernel.business_days import Override, OverrideKind
from kernel.errors import KopruError, ParseError, Problem, ValidationError
from kernel.identifiers.contract_no import parse_card_contract_code
from kernel.money import Money
from kernel.parsing import parse_amount_api, parse_date_api
from kernel.rates import Rate
from kernel.sensitive import Iban
from kernel.text import clean_free_text, clean_mail_header
from toolkit.http.fields import DATE, MONEY, EdgeModel, choice, parsed

_MAX_TERMS: Final = 30
_MAX_CODE: Final = 40
_HOME_CURRENCY: Final = {CalendarName.TR: "TRY", CalendarName.GR: "EUR"}


def _line(limit: int, low: int = 0) -> Callable[[object], str]:
    def read(value: object) -> str:
        text = clean_free_text(value, limit).strip()
        if not low <= len(text) or "\n" in text or "\t" in text:
            raise ParseError("LENGTH", f"one line of {low} to {limit} characters")
        return text

    return read


def parse_code(value: object) -> str:
    """Code of a card, an account or a deduction: 1 to 40 characters without blanks around and #.

    Raises: ParseError("TYPE" | "LENGTH" | "CHARACTER").
    """
    text = clean_mail_header(value)
    if not text or text != text.strip() or len(text) > _MAX_CODE:
        raise ParseError("LENGTH", f"the code has 1 to {_MAX_CODE} characters")
    if not text.isprintable() or any(char in "#/" for char in text):
        raise ParseError("CHARACTER", "the code has letters, digits and signs, not # and /")
    return text


def _document_no(value: object) -> str:
    text = clean_mail_header(value)
    if not text or text != text.strip() or len(text) > 64:
        raise ParseError("LENGTH", "the number has 1 to 64 characters, no blanks around it")
    return text


ApiDate = Annotated[date, parsed(parse_date_api, DATE)]
ApiAmount = Annotated[Money, parsed(parse_amount_api, MONEY)]
ContractCode = Annotated[str, parsed(parse_card_contract_code)]
Code = Annotated[str, parsed(parse_code)]
DocumentNo = Annotated[str, parsed(_document_no)]
Description = Annotated[str, parsed(_line(200))]
Name = Annotated[str, parsed(_line(120, 1))]
ApiIban = Annotated[Iban, parsed(lambda value: Iban(str(value)))]
Whole = Annotated[int, Field(ge=-1_000, le=100_000)]


class BlockageIn(EdgeModel):
    """How long the bank holds the money."""

    kind: Annotated[BlockageKind, choice(BlockageKind)]
    value: Whole
    on_day: Annotated[OnDay, choice(OnDay)] = OnDay.NEXT_MONTH


class BandIn(EdgeModel):
    """Days of the month that are paid on one day."""

    from_day: Whole
    to_day: Whole
    pay_day: Whole
    month_offset: Whole


class CutoffIn(EdgeModel):
    """Up to a day, and the day it is paid on."""

    day: Whole
    pay_day: Whole


class MaturityIn(EdgeModel):
    """Rule for the due dates; what the source does not define needs a strategy."""

    kind: Annotated[MaturityKind, choice(MaturityKind)] = MaturityKind.MONTHLY
    value: Whole | None = None
    strategy: Annotated[Strategy, choice(Strategy)] | None = None
    bands: list[BandIn] | None = Field(default=None, max_length=31)
    cutoff: CutoffIn | None = None

    def to_domain(self) -> Maturity:
        """The maturity as it was stated."""
        return Maturity(
            self.kind,
            self.value,
            self.strategy,
            tuple(
                Band(band.from_day, band.to_day, band.pay_day, band.month_offset)
                for band in self.bands or ()
            ),
            Cutoff(self.cutoff.day, self.cutoff.pay_day) if self.cutoff is not None else None,
        )


class DeductionIn(EdgeModel):
    """One deduction of a range; ``value`` is percent or an amount, by ``kind``."""

    sequence: Whole
    code: Code
    kind: Annotated[Kind, choice(Kind)]
    value: str
    timing: Annotated[Timing, choice(Timing)]
    basis: Annotated[Basis, choice(Basis)] = Basis.GROSS
    of: Code | None = None

    def to_domain(self, place: str, problems: list[Problem]) -> Deduction:
        """The deduction; what its value has wrong is added to ``problems``."""
        rate, amount = Rate.from_api("0"), 0
        try:
            if self.kind is Kind.RATE:
                rate = parse_rate(self.value)
            else:
                amount = Money.from_api(self.value, "TRY", allow_zero=True).minor
        except KopruError as error:
            problems.append(Problem(f"{place}/value", error.code.lower(), error.message))
        return Deduction(
            self.sequence,
            self.code,
            self.kind,
            self.timing,
            self.basis,
            rate,
            amount,
            self.of or "",
        )


class TermIn(EdgeModel):
    """One instalment range."""

    first: Whole = Field(alias="from")
    last: Whole = Field(alias="to")
    collection: Annotated[Collection, choice(Collection)]
    skip_months: Whole = 0
    blockage: BlockageIn | None = None
    skip_and_block: Annotated[SkipAndBlock, choice(SkipAndBlock)] | None = None
    maturity: MaturityIn | None = None
    description: Description = ""
    deductions: list[DeductionIn] = Field(default_factory=list, max_length=40)

    def to_domain(self, place: str, problems: list[Problem]) -> Term:
        """The range; what its values have wrong is added to ``problems``."""
        blockage = self.blockage
        return Term(
            self.first,
            self.last,
            self.collection,
            self.skip_months,
            Blockage(blockage.kind, blockage.value, blockage.on_day) if blockage else None,
            self.skip_and_block,
            (self.maturity or MaturityIn()).to_domain(),
            self.description,
            tuple(
                one.to_domain(f"{place}/deductions/{number}", problems)
                for number, one in enumerate(self.deductions)
            ),
        )


def _remainder(value: object) -> str:
    if value in ("first", "last"):
        return str(value)
    raise ParseError("CHOICE", "choose one of: first, last")


class CardContractIn(EdgeModel):
    """Body of creating or changing a contract."""

    code: ContractCode
    description: Description = ""
    card_code: Code
    bank_account_code: Code
    starts_on: ApiDate
    ends_on: ApiDate | None = None
    locked: bool = False
    calendar: Annotated[CalendarName, choice(CalendarName)] = CalendarName.TR
    business_day_rule: Annotated[BusinessDayRule, choice(BusinessDayRule)]
    remainder_on: Annotated[str, parsed(_remainder, {"type": "string", "enum": ["first", "last"]})]
    currency: str | None = Field(default=None, pattern="^(TRY|EUR)$")
    terms: list[TermIn] = Field(max_length=_MAX_TERMS)

    def to_domain(self) -> tuple[Contract, list[Problem]]:
        """The contract as it was stated, and what single values have wrong."""
        problems: list[Problem] = []
        terms = tuple(
            term.to_domain(f"/terms/{number}", problems) for number, term in enumerate(self.terms)
        )
        fixed = any(one.kind is Kind.AMOUNT for term in terms for one in term.deductions)
        currency = self.currency or (_HOME_CURRENCY[self.calendar] if fixed else "")
        contract = Contract(
            code=self.code,
            description=self.description,
            card_code=self.card_code,
            bank_account_code=self.bank_account_code,
            starts_on=self.starts_on,
            ends_on=self.ends_on,
            calendar=self.calendar,
            business_day_rule=self.business_day_rule,
            remainder_on="first" if self.remainder_on == "first" else "last",
            terms=terms,
            currency=currency,
            state=ContractState.LOCKED if self.locked else ContractState.OPEN,
        )
        return contract, problems


class CardContractChangeIn(CardContractIn):
    """Body of changing a contract; ``effective_from`` is the first sale date of the revision."""

    effective_from: ApiDate | None = None


class LockIn(EdgeModel):
    """Body of locking a contract, or opening it again."""

    locked: bool


class PlanIn(EdgeModel):
    """Body of a plan that is not posted; 0 instalments is a payment with points."""

    sold_on: ApiDate
    amount: ApiAmount
    instalments: Whole


class WhatIfIn(PlanIn):
    """Body of the same sale under several contracts; none named means all."""

    contract_codes: list[ContractCode] | None = Field(default=None, max_length=200)


class DraftPlanIn(PlanIn):
    """Body of a plan under a contract that is not stored."""

    contract: CardContractIn


class CardSaleIn(EdgeModel):
    """Body of posting a closed sale: its contract, or the card and account it was made with."""

    document_no: DocumentNo
    sold_on: ApiDate
    amount: ApiAmount
    instalments: Whole
    contract_code: ContractCode | None = None
    card_code: Code | None = None
    bank_account_code: Code | None = None

    def problems(self) -> list[Problem]:
        """What is wrong beyond single fields."""
        if self.contract_code is None and self.card_code is None:
            return [Problem("/contract_code", "required", "Name the contract or the card.")]
        if self.contract_code is not None and self.card_code is not None:
            return [Problem("/card_code", "unexpected", "Name the contract or the card, not both.")]
        return []

    def to_fields(self) -> SaleFields:
        """The sale as it was stated."""
        return SaleFields(
            self.document_no,
            self.sold_on,
            self.amount,
            self.instalments,
            self.contract_code or "",
            self.card_code or "",
            self.bank_account_code or "",
        )


class RefundIn(EdgeModel):
    """Body of a refund; what the bank does with its deductions must be said."""

    document_no: DocumentNo
    refunded_on: ApiDate
    amount: ApiAmount
    deductions: Annotated[Returned, choice(Returned)]

    def to_fields(self) -> RefundFields:
        """The refund as it was stated."""
        return RefundFields(self.document_no, self.refunded_on, self.amount, self.deductions)


class SaleEventIn(EdgeModel):
    """Text of a signed event: a sale was closed, refunded or cancelled.

    Shapes: ``sale`` for a closed one; otherwise ``document_no`` of the sale, and the ``refund``.
    """

    kind: Annotated[SaleEventKind, choice(SaleEventKind)]
    sale: CardSaleIn | None = None
    document_no: DocumentNo | None = None
    refund: RefundIn | None = None

    def to_event(self) -> SaleEvent:
        """The event. Raises: ValidationError for members that are missing or too much."""
        closed, refunded = (self.kind is one for one in _WITH_CONTENT)
        problems = [
            Problem(f"/{name}", "required" if wanted else "unexpected", _BY_KIND)
            for name, wanted, value in (
                ("sale", closed, self.sale),
                ("document_no", not closed, self.document_no),
                ("refund", refunded, self.refund),
            )
            if wanted is (value is None)
        ]
        if self.sale is not None:
            problems += [problem.under("/sale") for problem in self.sale.problems()]
        if problems:
            raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)
        sale = self.sale.to_fields() if self.sale is not None else None
        refund = self.refund.to_fields() if self.refund is not None else None
        document_no = sale.document_no if sale is not None else self.document_no or ""
        return SaleEvent(self.kind, document_no, sale, refund)


_WITH_CONTENT: Final = (SaleEventKind.CLOSED, SaleEventKind.REFUNDED)
_BY_KIND: Final = "Events of this kind have other members."


class DismissSaleEventIn(EdgeModel):
    """Body of putting a refused event aside: why nothing is to be done."""

    note: Annotated[str, parsed(_line(200, 1))]


class SetAsideIn(EdgeModel):
    """Body of setting lines aside that have nothing to do with card contracts."""

    line_ids: list[str] = Field(min_length=1, max_length=20)
    reason: Annotated[str, parsed(_line(200, 1))]


class TakeBackIn(EdgeModel):
    """Body of letting lines wait again that were set aside."""

    line_ids: list[str] = Field(min_length=1, max_length=20)


class LookAgainIn(EdgeModel):
    """Body of matching the lines of an account that still wait."""

    bank_account_code: Code


def _percent(value: object) -> Decimal:
    return parse_rate(value).percent


class MatchingIn(EdgeModel):
    """How far a payment may be from its plan: days, minor units (``rounding``), percent."""

    late_days: Whole
    early_days: Whole
    joined_days: Whole
    rounding: Annotated[int, Field(ge=-1_000, le=10_000_000)]
    tolerance: Annotated[Decimal, parsed(_percent)]


class DriftIn(EdgeModel):
    """From where deductions count as drift: percentage points of the gross, and minor units."""

    points: Annotated[Decimal, parsed(_percent)]
    least: Annotated[int, Field(ge=-1_000, le=10_000_000)]


class LegalLimitsIn(EdgeModel):
    """Legal figures in force from a day on, and where they are published."""

    valid_from: ApiDate
    reference_rate: Annotated[Decimal, parsed(_percent)]
    credit_margin: Annotated[Decimal, parsed(_percent)]
    debit_fee: Annotated[Decimal, parsed(_percent)]
    credit_days: Whole
    debit_days: Whole
    source: Name

    def to_domain(self) -> Limits:
        """The figures; who entered them stands in the history of the settings."""
        return Limits(
            self.valid_from,
            self.reference_rate,
            self.credit_margin,
            self.debit_fee,
            self.credit_days,
            self.debit_days,
            "",
            self.source,
        )


class CardSettingsIn(EdgeModel):
    """Body of the company's settings."""

    matching: MatchingIn
    drift: DriftIn
    legal_limits: list[LegalLimitsIn] = Field(default_factory=list, max_length=100)

    def to_domain(self) -> CompanySettings:
        """The settings as they were stated."""
        asked = self.matching
        return CompanySettings(
            rules=Rules(
                late_days=asked.late_days,
                early_days=asked.early_days,
                joined_days=asked.joined_days,
                rounding=asked.rounding,
                tolerance=asked.tolerance,
            ),
            drift=DriftRules(self.drift.points, self.drift.least),
            limits=tuple(one.to_domain() for one in self.legal_limits),
        )


class SalesImportIn(EdgeModel):
    """Body of an import of sales from an upload."""

    upload_id: str = Field(min_length=1, max_length=40)
    dry_run: bool = False
    language: str = Field(default="tr", pattern="^(tr|el|en)$")


class TableProfileIn(EdgeModel):
    """How a bank's table is written: ``columns`` are headers, ``characters`` of a fixed width.

    Shapes: ``characters`` maps a field to its first and last character, from 1.
    """

    columns: dict[str, str | list[str]] = Field(default_factory=dict)
    characters: dict[str, list[int]] = Field(default_factory=dict)
    skip_lines: int = 0
    implied_decimals: bool = False
    encoding: str = "utf-8"
    delimiter: str = ";"
    decimal: str = ","
    date_format: str = "dd.mm.yyyy"
    currency: str = "TRY"
    credit_marks: list[str] | None = None
    debit_marks: list[str] | None = None


class CardStatementIn(EdgeModel):
    """Body of importing a statement; ``bank_account_code`` for files that do not name it."""

    upload_id: str = Field(min_length=26, max_length=36)
    bank_account_code: str = Field(default="", max_length=40)
    dry_run: bool = False
    profile: str | TableProfileIn | None = None


class MatchIn(EdgeModel):
    """Body of matching by hand: ids of lines and ``payment_id``s of receivables."""

    line_ids: list[str] = Field(min_length=1, max_length=20)
    payment_ids: list[str] = Field(min_length=1, max_length=500)


class CardIn(EdgeModel):
    """Body of a card."""

    code: Code
    name: Name
    kind: Annotated[CardKind, choice(CardKind)] = CardKind.CREDIT
    issuer: Annotated[Issuer, choice(Issuer)] = Issuer.OWN

    def to_domain(self) -> Card:
        """The card."""
        return Card(self.code, self.name, self.kind, self.issuer)


class BankAccountIn(EdgeModel):
    """Body of a bank account."""

    code: Code
    name: Name
    kind: Annotated[AccountKind, choice(AccountKind)]
    bank: Description = ""
    linked_account_code: Code | None = None
    iban: ApiIban | None = None

    def to_domain(self) -> BankAccount:
        """The account."""
        return BankAccount(
            self.code, self.name, self.kind, self.bank, self.linked_account_code or "", self.iban
        )


class DeductionDefinitionIn(EdgeModel):
    """Body of a deduction definition."""

    code: Code
    name: Name
    type: Annotated[DeductionType, choice(DeductionType)]
    bank: Description = ""

    def to_domain(self) -> DeductionDefinition:
        """The definition."""
        return DeductionDefinition(self.code, self.name, self.type, self.bank)


class DayIn(EdgeModel):
    """Body of changing a day of a calendar: what it is now, and where that is published."""

    kind: Annotated[OverrideKind, choice(OverrideKind)]
    name: Name
    source: Name

    def to_domain(self, actor: str) -> Override:
        """The changed day."""
        return Override(self.kind, self.name, self.source, actor)
