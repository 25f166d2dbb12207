"""Post closed sales, refund and cancel them: receivables, never one net row (CRD-04)."""

from dataclasses import dataclass, replace
from typing import Final

from card_contracts.application.context import TRIES, Scope
from card_contracts.domain.plan import Plan
from card_contracts.domain.sale import (
    LineStatus,
    Refund,
    RefundFields,
    Sale,
    SaleFields,
    SaleState,
    cancel,
    lines_of,
    parts_of,
    refund,
)
from card_contracts.ports import CardsUnit, Conditions
from kernel.errors import ConflictError, Problem, RuleViolationError
from kernel.money import Money
from kernel.stamp import NEW
from kernel.storing import CommandIdentity, Remembered, WriteRefusedError

SALE_POSTED: Final = "card_contracts.SalePosted.v1"
SALE_REVERSED: Final = "card_contracts.SaleReversed.v1"
RECEIPTS: Final = "sale-event"
"""Under which name the inbox keeps ids of signed sale events."""
_RECEIVABLE: Final = "card_receivable"
_SALES: Final = "sales"


@dataclass(frozen=True, slots=True)
class Posted:
    """The sale of a document, and whether it was posted now."""

    sale: Sale
    created: bool


@dataclass(frozen=True, slots=True)
class Companions:
    """What else belongs into the transaction of a sale: the event it came with, a job."""

    event_id: str = ""
    job_id: str = ""

    def join(self, unit: CardsUnit) -> None:
        """Put them into the transaction."""
        if self.event_id:
            unit.received(RECEIPTS, self.event_id)
        if self.job_id:
            unit.advance_job(self.job_id, {"done": 1})


_NONE: Final = Companions()


class PostSale:
    """Post a sale with all of its receivables in one transaction; a document is posted once.

    Raises: NotFoundError for an unknown contract; ConflictError("card_contracts.locked" |
    "document_posted" | "contract_ambiguous"); RuleViolationError with the reason.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(
        self,
        fields: SaleFields,
        command: CommandIdentity | None = None,
        companions: Companions = _NONE,
    ) -> Posted:
        store = self._scope.store
        if command is not None and (repeated := store.answered(command)) is not None:
            return Posted(store.sale(str(repeated.body["sale_id"])), created=True)
        replaces = ""
        for _ in range(TRIES):
            conditions, plan = self._price(fields)
            sale = self._sale(fields, conditions, plan, companions)
            unit = store.unit()
            self._write(unit, sale, conditions, plan, companions, replaces)
            if command is not None:
                unit.remember(command, Remembered(201, {"sale_id": sale.id}, {}))
            try:
                unit.commit()
            except WriteRefusedError as error:
                if error.refused("unique:DOCUMENT"):
                    known = self._known(sale)
                    if not known.undone:
                        return Posted(known, created=False)
                    replaces = known.id
                    continue
                if error.refused("inbox"):
                    raise
                if command is not None and error.refused("idempotency"):
                    first = store.answered(command)
                    if first is not None:
                        return Posted(store.sale(str(first.body["sale_id"])), created=True)
                continue
            return Posted(store.sale(sale.id), created=True)
        raise ConflictError("too_much_contention", "Others changed the same data; try again.")

    def draft(self, fields: SaleFields) -> Sale:
        """The sale as it would be posted; raises like posting it would, but writes nothing."""
        conditions, plan = self._price(fields)
        return self._sale(fields, conditions, plan, _NONE)

    def _price(self, fields: SaleFields) -> tuple[Conditions, Plan]:
        code = fields.contract_code or self._chosen(fields)
        conditions = self._scope.store.conditions(code, fields.sold_on)
        conditions.newest.for_posting()
        plan = self._scope.plan(conditions, fields.sold_on, fields.amount, fields.instalments)
        return conditions, plan

    def _chosen(self, fields: SaleFields) -> str:
        """The contract of a card on the day of the sale; never one of several."""
        found = [
            contract.code
            for contract in self._scope.store.contracts()
            if not contract.is_locked
            and contract.valid_on(fields.sold_on)
            and contract.card_code == fields.card_code
            and fields.bank_account_code in {"", contract.bank_account_code}
        ]
        if len(found) == 1:
            return found[0]
        if not found:
            message = "No contract of this card is valid on that day."
            raise RuleViolationError(
                "card_contracts.no_contract",
                message,
                problems=[Problem("/card_code", "no_contract", message)],
            )
        names = ", ".join(found)
        raise ConflictError(
            "contract_ambiguous", f"Several contracts hold this card: {names}. Name one."
        )

    def _sale(
        self, fields: SaleFields, conditions: Conditions, plan: Plan, companions: Companions
    ) -> Sale:
        contract = conditions.deciding
        return Sale(
            id=self._scope.ids.new(),
            document_no=fields.document_no,
            contract_code=contract.code,
            bank_account_code=contract.bank_account_code,
            revision=contract.revision,
            remainder_on=contract.remainder_on,
            sold_on=fields.sold_on,
            amount=fields.amount,
            instalments=fields.instalments,
            parts=parts_of(plan),
            totals=dict(plan.totals),
            import_id=companions.job_id,
        )

    @staticmethod
    def _write(
        unit: CardsUnit,
        sale: Sale,
        conditions: Conditions,
        plan: Plan,
        companions: Companions,
        replaces: str,
    ) -> None:
        currency = sale.amount.currency
        unit.require_contract(conditions.newest)
        unit.add_sale(sale, lines_of(sale, plan), replaces=replaces)
        account = account_of(sale)
        unit.post(
            account,
            sale.id,
            debit=_RECEIVABLE,
            credit=_SALES,
            amount=sale.amount.minor,
            currency=currency,
        )
        for code, amount in sale.totals.items():
            unit.post(
                account,
                f"{sale.id}:{code}",
                debit=f"deduction:{code}",
                credit=_RECEIVABLE,
                amount=amount,
                currency=currency,
            )
        unit.publish(
            SALE_POSTED,
            f"card_sale:{sale.id}",
            {
                "sale_id": sale.id,
                "contract_code": sale.contract_code,
                "sold_on": sale.sold_on.isoformat(),
                "amount_minor": sale.amount.minor,
                "net_minor": plan.net,
                "currency": currency,
                "instalments": sale.instalments,
                "payments": len(plan.lines),
            },
        )
        companions.join(unit)

    def _known(self, sale: Sale) -> Sale:
        """The sale that holds the document; one that was taken back may have said anything."""
        known = self._scope.store.sale_of_document(sale.document_no)
        if known is None or not (known.undone or known.says_the_same(sale)):
            raise ConflictError(
                "document_posted", "This document was posted with other figures before."
            )
        return known


def account_of(sale: Sale) -> str:
    """Ledger account of a sale: narrow, one per contract and day."""
    return f"{sale.contract_code}@{sale.sold_on.isoformat()}"


class RefundSale:
    """Post a refund as a linked reversal; a document of a refund is posted once.

    Raises: NotFoundError; RuleViolationError; ConflictError("document_posted" | …).
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(
        self,
        sale_id: str,
        fields: RefundFields,
        command: CommandIdentity | None = None,
        companions: Companions = _NONE,
    ) -> tuple[Sale, Refund]:
        store = self._scope.store
        if command is not None and (repeated := store.answered(command)) is not None:
            sale = store.sale(str(repeated.body["sale_id"]))
            wanted = str(repeated.body["refund_id"])
            return sale, next(one for one in store.refunds(sale.id) if one.id == wanted)
        for _ in range(TRIES):
            known = store.refund_of_document(fields.document_no)
            if known is not None:
                return store.sale(sale_id), self.same(known, sale_id, fields)
            before = store.sale(sale_id)
            after, made, lines = refund(
                before,
                self._scope.ids.new(),
                fields.document_no,
                fields.refunded_on,
                fields.amount,
                fields.returned,
            )
            unit = store.unit()
            detail = {"refund_id": made.id, "amount": made.amount.minor}
            unit.save_sale(before, after, "sale.refunded", detail)
            unit.add_refund(made, lines)
            self._post(unit, before, made)
            if command is not None:
                body = {"sale_id": sale_id, "refund_id": made.id}
                unit.remember(command, Remembered(201, body, {}))
            companions.join(unit)
            try:
                unit.commit()
            except WriteRefusedError as error:
                if error.refused("inbox"):
                    raise
                continue
            return store.sale(sale_id), made
        raise ConflictError("too_much_contention", "Others changed the same sale; try again.")

    @staticmethod
    def same(known: Refund, sale_id: str, fields: RefundFields) -> Refund:
        """The refund of a document, if it says the same. Raises: ConflictError."""
        stated = (sale_id, fields.refunded_on, fields.amount, fields.returned)
        if stated != (known.sale_id, known.refunded_on, known.amount, known.returned):
            raise ConflictError(
                "document_posted", "This document was posted with other figures before."
            )
        return known

    @staticmethod
    def _post(unit: CardsUnit, sale: Sale, made: Refund) -> None:
        account, currency = account_of(sale), made.amount.currency
        unit.post(
            account,
            made.id,
            debit=_SALES,
            credit=_RECEIVABLE,
            amount=made.amount.minor,
            currency=currency,
        )
        for code, amount in made.totals.items():
            unit.post(
                account,
                f"{made.id}:{code}",
                debit=_RECEIVABLE,
                credit=f"deduction:{code}",
                amount=amount,
                currency=currency,
            )
        _tell(unit, sale, made.id, made.amount, "refund")


class CancelSale:
    """Cancel a sale of which the bank paid nothing yet; its receivables stay, marked.

    Shapes: ``undoes`` is the import that is taken back by it, if one is.
    Raises: NotFoundError; ConflictError("card_contracts.sale_cancelled" | "…sale_refunded" |
    "sale_settled").
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, sale_id: str, companions: Companions = _NONE, *, undoes: str = "") -> Sale:
        store = self._scope.store
        action = "sale.import_undone" if undoes else "sale.cancelled"
        about = {"import_id": undoes} if undoes else {}
        for _ in range(TRIES):
            before = store.sale(sale_id)
            after = self.tried(before)
            if after is before:
                return before
            after = replace(after, undone=bool(undoes))
            reversal_id = self._scope.ids.new()
            unit = store.unit()
            unit.save_sale(before, after, action, {"reversal_id": reversal_id, **about})
            unit.cancel_lines(before)
            account, currency = account_of(before), before.amount.currency
            unit.post(
                account,
                reversal_id,
                debit=_SALES,
                credit=_RECEIVABLE,
                amount=before.amount.minor,
                currency=currency,
            )
            for code, amount in before.totals.items():
                unit.post(
                    account,
                    f"{reversal_id}:{code}",
                    debit=_RECEIVABLE,
                    credit=f"deduction:{code}",
                    amount=amount,
                    currency=currency,
                )
            _tell(unit, before, reversal_id, before.amount, "cancellation")
            companions.join(unit)
            try:
                unit.commit()
            except WriteRefusedError as error:
                if error.refused("inbox"):
                    raise
                continue
            return store.sale(sale_id)
        raise ConflictError("too_much_contention", "Others changed the same sale; try again.")

    def tried(self, before: Sale) -> Sale:
        """The sale as it would be; one that is cancelled stays as it is. Raises like above."""
        if before.state is SaleState.CANCELLED:
            return before
        after = cancel(before)
        # A sale that is only tried has no payments yet.
        lines = self._scope.store.lines_of_sale(before) if before.stamp != NEW else ()
        if any(line.status is LineStatus.SETTLED for line in lines):
            raise ConflictError("sale_settled", "The bank paid part of it; refund it instead.")
        return after


def _tell(unit: CardsUnit, sale: Sale, reversal_id: str, amount: Money, kind: str) -> None:
    unit.publish(
        SALE_REVERSED,
        f"card_sale:{sale.id}",
        {
            "sale_id": sale.id,
            "reversal_id": reversal_id,
            "kind": kind,
            "amount_minor": amount.minor,
            "currency": amount.currency,
        },
    )
