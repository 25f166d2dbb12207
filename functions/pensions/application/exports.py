"""What would have been sent, as a file to upload in the insurer's own screens (PEN-10)."""

from collections.abc import Iterator
from typing import Final

from kernel.files import ExportCell, TableWriter, UploadedFile
from kernel.periods import Period
from pensions.application.context import Scope
from pensions.domain.contribution import ContributionStatus
from pensions.domain.employee import EmployeeStatus

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
    """People of a contract; whoever was withdrawn is left out."""

    def __init__(self, scope: Scope, writer: TableWriter) -> None:
        self._scope = scope
        self._writer = writer

    def __call__(self, contract_id: str, file_format: str) -> UploadedFile:
        """Raises: NotFoundError, ValidationError for an unknown format."""
        contract = self._scope.store.contract(contract_id)
        name = f"employees-{contract.contract_no}"
        return self._writer.write(file_format, name, _PEOPLE, self._rows(contract_id))

    def _rows(self, contract_id: str) -> Iterator[tuple[ExportCell, ...]]:
        for person in self._scope.store.employees(contract_id):
            if person.status is EmployeeStatus.CANCELLED:
                continue
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

    def __call__(self, contract_id: str, period: Period, file_format: str) -> UploadedFile:
        """Raises: NotFoundError, ValidationError for an unknown format."""
        contract = self._scope.store.contract(contract_id)
        name = f"contributions-{contract.contract_no}-{period}"
        return self._writer.write(file_format, name, _MONEY, self._rows(contract_id, period))

    def _rows(self, contract_id: str, period: Period) -> Iterator[tuple[ExportCell, ...]]:
        store = self._scope.store
        items = [
            item
            for item in store.contributions(contract_id, period)
            if item.status is not ContributionStatus.CANCELLED
        ]
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
