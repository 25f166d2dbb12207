"""Calls of this dialect: a session is opened for each call of ours and forgotten after it.

A session number is as good as a password, so it is never kept between calls: a warm process must
hold nothing of the tenant it served before (security.md S12).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from pensions.adapters.insurers.dialect import (
    MemberAnswer,
    StandingRow,
    Target,
    asked_about,
    sent_collections,
    sent_enrolments,
    standings,
)
from pensions.adapters.insurers.exchange import (
    Build,
    Call,
    ask,
    credential_check,
    exchange,
    judge_question,
)
from pensions.adapters.insurers.session_single import transformers
from pensions.adapters.insurers.session_single.transformers import Session
from pensions.domain.outcome import (
    Ambiguous,
    Fault,
    NotSent,
    NotSentReason,
    Outcome,
    ParsedAnswer,
    Sent,
    TransmissionKind,
)
from pensions.ports import CollectionLine, CredentialCheck, EnrolmentLine, MemberRef
from toolkit.http.client import HttpClient
from toolkit.soap.audit import AuditSink
from toolkit.soap.client import BundledWsdl, SoapService

WSDL: Final = BundledWsdl(
    package="pensions.adapters.insurers.session_single",
    name="wsdl/service.wsdl",
    sha256="2c89f90b7cf1334bac4073fcd1cad049b9c782a7374bd8a399ffa0c695d6049a",
    binding="{urn:oks:oturum:v1}OksOturumBinding",
)
"""Contract of the dialect. Source: DESIGN, no insurer publishes one (domain/pensions.md §11)."""

_LEAST_SECONDS: Final = 1.0
"""With less time left after the log-in nothing is started any more."""


class SessionSingleClient:
    """Speaks the dialect to any of its insurers."""

    def __init__(
        self,
        http: HttpClient,
        audit: AuditSink,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._soap = SoapService(WSDL, http, audit, secret_elements=("parola", "oturumNo"))
        self._monotonic = monotonic

    def check_credentials(self, target: Target, *, deadline_seconds: float) -> CredentialCheck:
        """``OturumAc``: a session is opened and not used."""
        opened = self._login(target, self._monotonic() + deadline_seconds)
        return credential_check(opened)

    def enrol(
        self,
        target: Target,
        reference: str,
        lines: Sequence[EnrolmentLine],
        *,
        deadline_seconds: float,
    ) -> Outcome:
        """``SertifikaOlustur`` for the one line of the transmission."""
        if len(lines) != 1:
            return NotSent(NotSentReason.REQUEST_REFUSED)
        line = lines[0]
        return self._in_session(
            target,
            "SertifikaOlustur",
            sent_enrolments(reference, lines),
            lambda session: transformers.enrolment_request(
                target.config, target.connection, session, reference, line
            ),
            lambda body: transformers.parse_result(target.config, line, body),
            deadline_seconds,
        )

    def collect(
        self,
        target: Target,
        reference: str,
        lines: Sequence[CollectionLine],
        *,
        deadline_seconds: float,
    ) -> Outcome:
        """``TahsilatBildir`` for the one line of the transmission."""
        if len(lines) != 1:
            return NotSent(NotSentReason.REQUEST_REFUSED)
        line = lines[0]
        return self._in_session(
            target,
            "TahsilatBildir",
            sent_collections(reference, lines),
            lambda session: transformers.collection_request(
                target.connection, session, reference, line
            ),
            lambda body: transformers.parse_result(target.config, line, body),
            deadline_seconds,
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
        """``IslemSorgula``: by our reference."""
        if len(lines) != 1:
            return NotSent(NotSentReason.REQUEST_REFUSED)
        line = lines[0]
        return self._in_session(
            target,
            "IslemSorgula",
            asked_about(reference, kind, lines),
            lambda session: transformers.query_request(target.connection, session, reference),
            lambda body: transformers.parse_query(target.config, line, body),
            deadline_seconds,
        )

    def member_statuses(
        self, target: Target, members: Sequence[MemberRef], *, deadline_seconds: float
    ) -> MemberAnswer:
        """``KatilimciDurumu`` for one person after the other, as far as the time allows.

        Who was not reached in time is UNKNOWN without a word; a refusal or a lost answer before
        the first row ends the whole question.
        """
        deadline = self._monotonic() + deadline_seconds
        session = self._login(target, deadline)
        if not isinstance(session, Session):
            return session
        rows: list[StandingRow] = []
        for member in members:
            left = deadline - self._monotonic()
            if left < _LEAST_SECONDS:
                break
            row = self._member(target, session, member, left)
            if isinstance(row, StandingRow):
                rows.append(row)
            elif rows:
                break
            else:
                return row
        return standings(members, rows)

    def _member(
        self, target: Target, session: Session, member: MemberRef, deadline_seconds: float
    ) -> StandingRow | Ambiguous | NotSent | Fault:
        call = self._call(
            target,
            "KatilimciDurumu",
            lambda: transformers.member_request(target.connection, session, member),
            deadline_seconds,
            secrets=(session.token,),
        )
        told = ask(call, lambda body: transformers.parse_member(target.config, member, body))
        return judge_question(told) if isinstance(told, ParsedAnswer) else told

    def _in_session(
        self,
        target: Target,
        operation: str,
        sent: Sent,
        build: Callable[[Session], Mapping[str, Any]],
        parse: Callable[[Mapping[str, Any]], ParsedAnswer],
        deadline_seconds: float,
    ) -> Outcome:
        deadline = self._monotonic() + deadline_seconds
        session = self._login(target, deadline)
        if isinstance(session, Ambiguous):
            # Whatever became of the log-in, the content was not sent.
            return NotSent(NotSentReason.SESSION_REFUSED)
        if not isinstance(session, Session):
            return session
        left = deadline - self._monotonic()
        if left < _LEAST_SECONDS:
            return NotSent(NotSentReason.NO_TIME)
        call = self._call(
            target,
            operation,
            lambda: build(session),
            left,
            reference=sent.reference,
            secrets=(session.token,),
        )
        return exchange(call, sent, parse)

    def _login(self, target: Target, deadline: float) -> Session | Ambiguous | NotSent | Fault:
        password = target.password
        call = self._call(
            target,
            "OturumAc",
            lambda: transformers.login_request(target.connection, password),
            deadline - self._monotonic(),
        )
        told = ask(call, lambda body: transformers.parse_login(target.config, body))
        return judge_question(told) if isinstance(told, ParsedAnswer) else told

    def _call(
        self,
        target: Target,
        operation: str,
        build: Build,
        deadline_seconds: float,
        *,
        reference: str = "",
        secrets: tuple[str, ...] = (),
    ) -> Call:
        return Call(
            service=self._soap,
            address=target.address,
            operation=operation,
            build=build,
            parse_fault=lambda fault: transformers.parse_fault(target.config, fault),
            deadline_seconds=deadline_seconds,
            reference=reference,
            secrets=(*secrets, target.password),
        )
