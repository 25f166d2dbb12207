"""The remittance as a file: ISO 20022 pain.001 for banks, CSV for spreadsheets, PDF for people."""

from collections.abc import Callable
from datetime import datetime
from typing import Final
from xml.etree.ElementTree import Element, SubElement, register_namespace, tostring

from kernel.business_days import Calendar
from kernel.files import UploadedFile
from kernel.identifiers.iban import format_groups
from pensions.domain.contract import Contract
from pensions.domain.provider_catalogue import PROVIDERS
from pensions.domain.remittance import Remittance
from toolkit.tabular.csv_writer import people_csv
from toolkit.tabular.values import ExportValue

PAIN_NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
NOT_PROVIDED: Final = "NOTPROVIDED"
_NAME_LIMIT: Final = 140


class BankOrderFiles:
    """``BankOrderWriter``; ``payer_name`` is the company the order belongs to."""

    def __init__(self, *, payer_name: str, now: Callable[[], datetime], calendar: Calendar) -> None:
        self._payer_name = payer_name
        self._now = now
        self._calendar = calendar

    def write(
        self, order_format: str, remittance: Remittance, contract: Contract, *, language: str
    ) -> UploadedFile:
        """The order in one of the formats ``pain001``, ``csv``, ``pdf``, ``text``."""
        name = f"remittance-{contract.contract_no}-{remittance.period}"
        if order_format == "pain001":
            content = self._pain001(remittance, contract)
            return UploadedFile(content, "application/xml", f"{name}.xml")
        if order_format == "csv":
            return UploadedFile(
                b"".join(self._csv(remittance)), "text/csv; charset=utf-8", f"{name}.csv"
            )
        if order_format == "pdf":
            return UploadedFile(
                self._pdf(remittance, contract, language), "application/pdf", f"{name}.pdf"
            )
        text = self._text(remittance, contract).encode()
        return UploadedFile(text, "text/plain; charset=utf-8", f"{name}.txt")

    # ------------------------------------------------------------------ pain.001

    def _pain001(self, remittance: Remittance, contract: Contract) -> bytes:
        """One credit transfer, executed at the latest on the deadline (pain.001.001.09).

        The message id is made of contract, month and amount: the same order written twice has the
        same id, so a bank that checks for repeats refuses the second upload.
        """
        register_namespace("", PAIN_NAMESPACE)
        root = Element(f"{{{PAIN_NAMESPACE}}}Document")
        order = _add(root, "CstmrCdtTrfInitn")
        amount = remittance.payable.amount_text
        identity = f"{contract.id[-12:]}-{remittance.period}-{remittance.payable.minor}"[:35]
        header = _add(order, "GrpHdr")
        _add(header, "MsgId", identity)
        _add(header, "CreDtTm", self._now().replace(tzinfo=None).isoformat(timespec="seconds"))
        _add(header, "NbOfTxs", "1")
        _add(header, "CtrlSum", amount)
        _add(_add(header, "InitgPty"), "Nm", self._payer_name[:_NAME_LIMIT])
        payment = _add(order, "PmtInf")
        _add(payment, "PmtInfId", identity)
        _add(payment, "PmtMtd", "TRF")
        _add(payment, "NbOfTxs", "1")
        _add(payment, "CtrlSum", amount)
        execution = _add(payment, "ReqdExctnDt")
        today = self._now().date()
        _add(
            execution,
            "Dt",
            max(remittance.due_on, self._calendar.following(today)).isoformat()
            if remittance.due_on < today
            else remittance.due_on.isoformat(),
        )
        _add(_add(payment, "Dbtr"), "Nm", self._payer_name[:_NAME_LIMIT])
        _account(_add(payment, "DbtrAcct"), remittance.payer_iban)
        _not_provided(_add(payment, "DbtrAgt"))
        transfer = _add(payment, "CdtTrfTxInf")
        _add(_add(transfer, "PmtId"), "EndToEndId", identity)
        instructed = _add(_add(transfer, "Amt"), "InstdAmt", amount)
        instructed.set("Ccy", remittance.payable.currency)
        _not_provided(_add(transfer, "CdtrAgt"))
        creditor = PROVIDERS[contract.provider_code].name_on(remittance.due_on)
        _add(_add(transfer, "Cdtr"), "Nm", creditor[:_NAME_LIMIT])
        _account(_add(transfer, "CdtrAcct"), remittance.provider_iban)
        _add(_add(transfer, "RmtInf"), "Ustrd", remittance.reference)
        return b'<?xml version="1.0" encoding="UTF-8"?>\n' + bytes(tostring(root, encoding="utf-8"))

    # ------------------------------------------------------------------ for people

    def _facts(self, remittance: Remittance, contract: Contract) -> list[tuple[str, str]]:
        provider = PROVIDERS[contract.provider_code].name_on(remittance.due_on)
        return [
            ("Ödeyen", self._payer_name),
            ("Gönderen IBAN", _grouped(remittance.payer_iban)),
            ("Alıcı", provider),
            ("Alıcı IBAN", _grouped(remittance.provider_iban)),
            ("Tutar", f"{remittance.payable.amount_text} {remittance.payable.currency}"),
            ("Son ödeme günü", remittance.due_on.strftime("%d.%m.%Y")),
            ("Açıklama", remittance.reference),
        ]

    def _text(self, remittance: Remittance, contract: Contract) -> str:
        """Bank transfer order as plain text (havale/EFT talimatı), in the language of the bank."""
        facts = self._facts(remittance, contract)
        lines = ["HAVALE / EFT TALİMATI", "", *(f"{name}: {value}" for name, value in facts)]
        return "\n".join(lines) + "\n"

    def _csv(self, remittance: Remittance) -> list[bytes]:
        header = ["Ödeme günü", "Son ödeme günü", "Kişi sayısı", "Tutar", "Para birimi", "Açıklama"]
        rows: list[tuple[ExportValue, ...]] = [
            (
                part.paid_on,
                part.due_on,
                part.count,
                part.amount,
                part.amount.currency,
                remittance.reference,
            )
            for part in remittance.parts
        ]
        return list(people_csv(header, rows, language="tr"))

    def _pdf(self, remittance: Remittance, contract: Contract, language: str) -> bytes:
        from webkit.pdf import Document, KeyValues, Table, render_pdf

        document = Document(
            title="Havale / EFT talimatı",
            language=language,
            sender=self._payer_name,
            blocks=(
                KeyValues(tuple(self._facts(remittance, contract))),
                Table(
                    head=("Ödeme günü", "Son ödeme günü", "Kişi", "Tutar"),
                    rows=[
                        (
                            part.paid_on.strftime("%d.%m.%Y"),
                            part.due_on.strftime("%d.%m.%Y"),
                            str(part.count),
                            f"{part.amount.amount_text} {part.amount.currency}",
                        )
                        for part in remittance.parts
                    ],
                    numeric=frozenset({2, 3}),
                ),
            ),
        )
        return render_pdf(document)


def _add(parent: Element, name: str, text: str | None = None) -> Element:
    child = SubElement(parent, f"{{{PAIN_NAMESPACE}}}{name}")
    if text is not None:
        child.text = text
    return child


def _account(parent: Element, iban: str) -> None:
    identity = _add(parent, "Id")
    if iban:
        _add(identity, "IBAN", iban)
    else:
        _add(_add(identity, "Othr"), "Id", NOT_PROVIDED)


def _not_provided(agent: Element) -> None:
    """Banks take the agent from the IBAN; the schema still wants the element."""
    _add(_add(_add(agent, "FinInstnId"), "Othr"), "Id", NOT_PROVIDED)


def _grouped(iban: str) -> str:
    return format_groups(iban) if iban else "—"
