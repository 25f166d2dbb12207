"""Calls of this dialect: one SOAP call for everything, credentials in the header of each."""

from collections.abc import Sequence
from typing import Final

from pensions.adapters.insurers.dialect import (
    MemberAnswer,
    Target,
    asked_about,
    sent_collections,
    sent_enrolments,
    standings,
)
from pensions.adapters.insurers.exchange import Build, Call, ask, credential_check, exchange
from pensions.adapters.insurers.usernametoken_batch import transformers
from pensions.domain.outcome import Outcome, Sent, TransmissionKind
from pensions.ports import CollectionLine, CredentialCheck, EnrolmentLine, MemberRef
from toolkit.http.client import HttpClient
from toolkit.soap.audit import AuditSink
from toolkit.soap.client import BundledWsdl, SoapService

WSDL: Final = BundledWsdl(
    package="pensions.adapters.insurers.usernametoken_batch",
    name="wsdl/service.wsdl",
    sha256="f6ef54c38d3d27556946eadd8c3a5b4d9aed310b69ffa5d8521fba7ed51e3562",
    binding="{urn:oks:batch:v1}OksBatchBinding",
)
"""Contract of the dialect. Source: DESIGN, no insurer publishes one (domain/pensions.md §11)."""


class UsernameTokenBatchClient:
    """Speaks the dialect to any of its insurers."""

    def __init__(self, http: HttpClient, audit: AuditSink) -> None:
        self._soap = SoapService(WSDL, http, audit, secret_elements=("Password",))

    def check_credentials(self, target: Target, *, deadline_seconds: float) -> CredentialCheck:
        """``CheckAccess``: answers OK or a fault, changes nothing."""
        call = self._call(
            target,
            "CheckAccess",
            lambda: {"contractNo": target.connection.contract_no},
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
        """``SubmitEnrolments``: one verdict per person at once."""
        call = self._call(
            target,
            "SubmitEnrolments",
            lambda: transformers.enrolment_request(
                target.config, target.connection, reference, lines
            ),
            deadline_seconds,
            reference,
        )
        return self._judge(call, target, sent_enrolments(reference, lines))

    def collect(
        self,
        target: Target,
        reference: str,
        lines: Sequence[CollectionLine],
        *,
        deadline_seconds: float,
    ) -> Outcome:
        """``SubmitCollections``: one verdict per contribution at once."""
        call = self._call(
            target,
            "SubmitCollections",
            lambda: transformers.collection_request(target.connection, reference, lines),
            deadline_seconds,
            reference,
        )
        return self._judge(call, target, sent_collections(reference, lines))

    def query(
        self,
        target: Target,
        reference: str,
        kind: TransmissionKind,
        lines: Sequence[EnrolmentLine] | Sequence[CollectionLine],
        *,
        deadline_seconds: float,
    ) -> Outcome:
        """``GetSubmission``: the same verdicts again, or that the reference is not known."""
        call = self._call(
            target,
            "GetSubmission",
            lambda: transformers.query_request(target.connection, reference),
            deadline_seconds,
            reference,
        )
        return self._judge(call, target, asked_about(reference, kind, lines))

    def member_statuses(
        self, target: Target, members: Sequence[MemberRef], *, deadline_seconds: float
    ) -> MemberAnswer:
        """``GetMembers``: one standing per person."""
        call = self._call(
            target,
            "GetMembers",
            lambda: transformers.members_request(target.connection, members),
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
        username, password = target.connection.username, target.password
        return Call(
            service=self._soap,
            address=target.address,
            operation=operation,
            build=build,
            parse_fault=lambda fault: transformers.parse_fault(target.config, fault),
            deadline_seconds=deadline_seconds,
            reference=reference,
            secrets=(password,),
            headers=lambda: (transformers.security_header(username, password),),
        )

    def _judge(self, call: Call, target: Target, sent: Sent) -> Outcome:
        return exchange(call, sent, lambda body: transformers.parse_results(target.config, body))
