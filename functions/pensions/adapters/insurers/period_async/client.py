"""Calls of this dialect: one SOAP call for everything, credentials in every body.

Sending only brings a receipt; policy numbers and "Tahsilat İşlenmiştir" are asked for by period.
"""

from collections.abc import Sequence
from typing import Final

from pensions.adapters.insurers.dialect import (
    MemberAnswer,
    Target,
    asked_about,
    collections_of,
    enrolments_of,
    sent_collections,
    sent_enrolments,
    standings,
)
from pensions.adapters.insurers.exchange import Build, Call, ask, credential_check, exchange
from pensions.adapters.insurers.period_async import transformers
from pensions.domain.outcome import Correlation, Outcome, TransmissionKind
from pensions.ports import CollectionLine, CredentialCheck, EnrolmentLine, MemberRef
from toolkit.http.client import HttpClient
from toolkit.soap.audit import AuditSink
from toolkit.soap.client import BundledWsdl, SoapService

WSDL: Final = BundledWsdl(
    package="pensions.adapters.insurers.period_async",
    name="wsdl/service.wsdl",
    sha256="93c46743fc37ff4c85666829e824f92d8aa62f9884cfdcf295eea2a882d546ad",
    binding="{urn:oks:donem:v1}OksDonemBinding",
)
"""Contract of the dialect. Source: DESIGN, no insurer publishes one (domain/pensions.md §11)."""


class PeriodAsyncClient:
    """Speaks the dialect to any of its insurers."""

    def __init__(self, http: HttpClient, audit: AuditSink) -> None:
        self._soap = SoapService(WSDL, http, audit, secret_elements=("SIFRE",))

    def check_credentials(self, target: Target, *, deadline_seconds: float) -> CredentialCheck:
        """``YETKIKONTROL``: answers TAMAM or a fault, changes nothing."""
        call = self._call(
            target,
            "YETKIKONTROL",
            lambda: transformers.credentials(target.connection, target.password),
            deadline_seconds,
        )
        return credential_check(
            ask(call, lambda body: transformers.parse_access(target.connection, body))
        )

    def enrol(
        self,
        target: Target,
        reference: str,
        lines: Sequence[EnrolmentLine],
        *,
        deadline_seconds: float,
    ) -> Outcome:
        """``POLICEBASVURU``: a receipt; the policies come later."""
        call = self._call(
            target,
            "POLICEBASVURU",
            lambda: transformers.enrolment_request(
                target.config, target.connection, target.password, reference, lines
            ),
            deadline_seconds,
            reference,
        )
        return exchange(
            call,
            sent_enrolments(reference, lines),
            lambda body: transformers.parse_enrolment_receipt(
                target.config, transformers.enrolment_keys(lines), body
            ),
        )

    def collect(
        self,
        target: Target,
        reference: str,
        lines: Sequence[CollectionLine],
        *,
        deadline_seconds: float,
    ) -> Outcome:
        """``TAHSILATYUKLE``: a receipt; the processing is confirmed later."""
        call = self._call(
            target,
            "TAHSILATYUKLE",
            lambda: transformers.collection_request(
                target.connection, target.password, reference, lines
            ),
            deadline_seconds,
            reference,
        )
        return exchange(
            call,
            sent_collections(reference, lines),
            lambda body: transformers.parse_collection_receipt(
                target.config, transformers.collection_keys(lines), body
            ),
        )

    def query(
        self,
        target: Target,
        reference: str,
        kind: TransmissionKind,
        lines: Sequence[EnrolmentLine] | Sequence[CollectionLine],
        *,
        deadline_seconds: float,
    ) -> Outcome:
        """By period: ``POLICEDURUM`` or ``TAHSILATDURUM``, narrowed to our people."""
        sent = asked_about(reference, kind, lines, Correlation.PERIOD)
        if kind is TransmissionKind.ENROLMENT:
            people = enrolments_of(lines)
            call = self._call(
                target,
                "POLICEDURUM",
                lambda: transformers.enrolment_query(target.connection, target.password, people),
                deadline_seconds,
                reference,
            )
            return exchange(
                call,
                sent,
                lambda body: transformers.parse_enrolment_period(
                    target.config,
                    target.connection,
                    reference,
                    transformers.enrolment_keys(people),
                    body,
                ),
            )
        payments = collections_of(lines)
        call = self._call(
            target,
            "TAHSILATDURUM",
            lambda: transformers.collection_query(target.connection, target.password, payments),
            deadline_seconds,
            reference,
        )
        return exchange(
            call,
            sent,
            lambda body: transformers.parse_collection_period(
                target.config,
                target.connection,
                reference,
                transformers.collection_keys(payments),
                body,
            ),
        )

    def member_statuses(
        self, target: Target, members: Sequence[MemberRef], *, deadline_seconds: float
    ) -> MemberAnswer:
        """``UYEDURUM``: one standing per person."""
        call = self._call(
            target,
            "UYEDURUM",
            lambda: transformers.members_request(target.connection, target.password, members),
            deadline_seconds,
        )
        return ask(
            call,
            lambda body: standings(
                members, transformers.parse_standings(target.connection, members, body)
            ),
        )

    def _call(
        self,
        target: Target,
        operation: str,
        build: Build,
        deadline_seconds: float,
        reference: str = "",
    ) -> Call:
        return Call(
            service=self._soap,
            address=target.address,
            operation=operation,
            build=build,
            parse_fault=lambda fault: transformers.parse_fault(target.config, fault),
            deadline_seconds=deadline_seconds,
            reference=reference,
            secrets=(target.password,),
        )
