"""What a payer sees behind the link of a mail: the code, and nothing else of the customer."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

from kernel.errors import NotFoundError
from kernel.money import Money
from payment_codes.application.context import Scope
from payment_codes.domain.payment_code import CodeStatus
from payment_codes.ports import PayLinks


@dataclass(frozen=True, slots=True)
class PayView:
    """The public part of a code."""

    payee: str
    code: str
    grouped: str
    amount: Money | None
    remaining: Money | None
    status: CodeStatus
    is_payable: bool
    valid_until: date | None
    description: str
    language: str
    qr: str = ""


class ShowPayPage:
    """Reads the code behind a token; raises NotFoundError, one answer for every wrong token."""

    def __init__(self, scope_of: Callable[[str], Scope], links: PayLinks) -> None:
        self._scope_of = scope_of
        self._links = links

    def __call__(self, token: str) -> PayView:
        found = self._links.read(token)
        if found is None:
            raise NotFoundError("not_found", "There is no such page.")
        tenant_id, code_id = found
        scope = self._scope_of(tenant_id)
        code = scope.store.code(code_id)
        organisation = scope.organisation()
        code = replace(code, status=code.judged(scope.today(organisation), organisation.tolerance))
        return PayView(
            payee=organisation.payee,
            code=code.code,
            grouped=code.grouped,
            amount=code.amount,
            remaining=code.remaining,
            status=code.status,
            is_payable=code.may_be_told,
            valid_until=code.valid_until,
            description=code.description,
            language=code.customer.language or organisation.language,
            qr=code.qr,
        )
