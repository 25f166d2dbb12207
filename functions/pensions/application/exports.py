"""What would have been sent, as a file to upload in the insurer's own screens (PEN-10)."""

from collections.abc import Iterator
from typing import Final

from kernel.files import ExportCell, TableWriter, UploadedFile
from kernel.periods import Period
from pensions.application.context import Scope
from pensions.application.find_contributions import find_contributions, of_month
from pensions.application.find_employees import find_all
from pensions.domain.contribution import Contribution
from pensions.domain.employee import Employee

_PEOPLE: Final = (
    "T.C. Kimlik No",
    "Ad",
    "Soyad",
    "Doğum Tarihi",
    "Cinsiyet",
    "Cep Telefonu",
    "E-posta",
    "IBAN",
    "İşe Giriş Tarihi",
    "Fon Tercihi",
    "Katkı Oranı",
    "Poliçe No",
    "Durum",
)
_MONEY: Final = (
    "T.C. Kimlik No",
    "Ad",
    "Soyad",
    "Poliçe No",
    "Ödeme Tarihi",
    "Katkı Payı Oranı",
    "Yıl",
    "Ay",
    "Katkı Payı Tutarı",
    "Durum",
)


class ExportPeople:
    """People of a contract as its list shows them; whoever was withdrawn is left out."""

    def __init__(self, scope: Scope, writer: TableWriter) -> None:
        self._scope = scope
        self._writer = writer

    def __call__(
        self, contract_id: str, file_format: str, *, status: str = "", query: str = ""
    ) -> UploadedFile:
        """``status`` and ``query`` choose as the list does.

        Raises: NotFoundError, ValidationError for an unknown format.
        """
        store = self._scope.store
        contract = store.contract(contract_id)
        people = find_all(store, contract_id, status=status, query=query)
        name = f"employees-{contract.contract_no}"
        return self._writer.write(file_format, name, _PEOPLE, self._rows(people))

    def _rows(self, people: Iterator[Employee]) -> Iterator[tuple[ExportCell, ...]]:
        for person in people:
            rate = person.contribution_rate
            yield (
                person.national_id.reveal("export") if person.national_id else "",
                person.first_name,
                person.last_name,
                person.birth_date,
                person.gender,
                person.mobile.reveal("export") if person.mobile else "",
                person.email.reveal("export") if person.email else "",
                person.iban.reveal("export") if person.iban else "",
                person.hired_on,
                person.fund_preference.value if person.fund_preference else "",
                rate.to_api() if rate else "",
                person.policy_no,
                person.status.value,
            )


class ExportContributions:
    """Contributions of a contract and month with what an insurer needs to book them."""

    def __init__(self, scope: Scope, writer: TableWriter) -> None:
        self._scope = scope
        self._writer = writer

    def __call__(
        self,
        contract_id: str,
        period: Period,
        file_format: str,
        *,
        status: str = "",
        query: str = "",
    ) -> UploadedFile:
        """``status`` and ``query`` choose as the page of the month does.

        Raises: NotFoundError, ValidationError for an unknown format.
        """
        store = self._scope.store
        contract = store.contract(contract_id)
        items = of_month(store, contract_id, period)
        chosen = find_contributions(store, items, status=status, query=query)
        name = f"contributions-{contract.contract_no}-{period}"
        return self._writer.write(file_format, name, _MONEY, self._rows(chosen))

    def _rows(self, items: list[Contribution]) -> Iterator[tuple[ExportCell, ...]]:
        store = self._scope.store
        people = store.employees_by_id([item.employee_id for item in items])
        for item in items:
            person = people[item.employee_id]
            yield (
                person.national_id.reveal("export") if person.national_id else "",
                person.first_name,
                person.last_name,
                person.policy_no,
                item.paid_on,
                item.rate.to_api(),
                item.period.year,
                item.period.month,
                item.amount,
                item.status.value,
            )
