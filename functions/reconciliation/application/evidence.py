"""Collect the evidence of one letter: mails, hashes, visits, answers, statements (N4)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from kernel.errors import KopruError
from kernel.mail_delivery import MailDelivery
from kernel.parsing import format_instant
from kernel.storing import WriteRefusedError
from reconciliation.application.context import TRIES, Scope
from reconciliation.domain.evidence import EvidenceFile, EvidencePack, Fact, build_pack
from reconciliation.domain.letter import Edition, Letter
from reconciliation.ports import AccessStore, EvidenceFiles


class CollectEvidence:
    """Everything that is known of a letter, as a pack whose head goes into the letter's history."""

    def __init__(
        self,
        scope: Scope,
        access: AccessStore,
        files: EvidenceFiles,
        paper: Callable[[Letter], bytes],
    ) -> None:
        self._scope = scope
        self._access = access
        self._files = files
        self._paper = paper

    def __call__(self, letter_id: str) -> EvidencePack:
        """Raises: NotFoundError; WriteRefusedError when the letter keeps changing."""
        store = self._scope.store
        for attempt in range(TRIES):
            letter = store.letter(letter_id)
            pack = build_pack(self._subject(letter), self._facts(letter), self._kept(letter))
            unit = store.unit()
            unit.save_letter(letter, letter, "letter.evidence_made", {"head": pack.head})
            try:
                unit.commit()
            except WriteRefusedError:
                if attempt == TRIES - 1:
                    raise
                continue
            return pack
        raise AssertionError  # the loop returns or raises

    def _subject(self, letter: Letter) -> dict[str, Any]:
        card = self._scope.store.counterparties([letter.counterparty_id])[letter.counterparty_id]
        return {
            "letter_id": letter.id,
            "period": str(letter.period),
            "form": letter.form.value,
            "their_form": letter.their_form.value,
            "counterparty_id": card.id,
            "counterparty_code": card.fields.code,
            "counterparty_title": card.fields.title,
            "sender": self._scope.store.mailing_settings().sender.title,
            "made_at": format_instant(self._scope.clock.now()),
        }

    def _facts(self, letter: Letter) -> Iterator[Fact]:
        store = self._scope.store
        for edition in store.editions(letter.id):
            now = letter.edition if edition.number == letter.edition.number else edition
            yield Fact(edition.made_at, "edition", _edition(now))
        for mail in store.letter_mails(letter.mails).values():
            content = {"mail_id": mail.id, "kind": mail.kind, "edition": mail.edition}
            fate = _fate(mail, str(mail.to), mail.sent_at)
            yield Fact(mail.asked_at, "mail", {**content, **fate})
        for line in store.history(f"letter:{letter.id}"):
            yield Fact(
                line.at,
                "history",
                {
                    "actor": line.actor,
                    "action": line.action,
                    "from": line.from_state,
                    "to": line.to_state,
                    "detail": dict(line.detail),
                },
            )
        for visit in self._access.visits(f"letter:{letter.id}"):
            content = {"visitor": visit.visitor.value, "reasons": list(visit.reasons)}
            yield Fact(format_instant(visit.at), "visit", content)
        for answer in store.answers_of(letter.id):
            fields, source = answer.fields, answer.source
            total = fields.their_total
            yield Fact(
                answer.at,
                "answer",
                {
                    "answer_id": answer.id,
                    "edition": answer.edition,
                    "said": fields.said.value,
                    "name": fields.name,
                    "note": fields.note,
                    "their_count": fields.their_count,
                    "their_total": None if total is None else total.to_api(),
                    "channel": source.channel.value,
                    "ip": source.ip,
                    "user_agent": source.agent,
                    "status": answer.state.value,
                    "reason": answer.reason,
                },
            )
        for statement in store.statements_of(letter.id):
            yield Fact(
                statement.at,
                "statement",
                {
                    "statement_id": statement.id,
                    "filename": statement.filename,
                    "sha256": statement.digest,
                    "status": statement.state.value,
                    "lines": statement.lines,
                    "channel": statement.channel,
                },
            )
        case = store.case(letter.id)
        if case is not None and case.run is not None:
            run = case.run
            yield Fact(
                run.at,
                "comparison",
                {
                    "run": run.number,
                    "statement_id": run.statement_id,
                    "counts": dict(run.counts),
                    "our_balance": run.ours.to_api(),
                    "their_balance": run.theirs.to_api(),
                    "sha256": run.digest,
                },
            )

    def _kept(self, letter: Letter) -> Iterator[EvidenceFile]:
        """The paper and the statements; a file that is gone is missing here and named above."""
        with contextlib.suppress(KopruError):
            yield EvidenceFile("letter.pdf", self._paper(letter))
        for number, statement in enumerate(self._scope.store.statements_of(letter.id), 1):
            if statement.digest:
                file = self._files.evidence(statement.id)
                suffix = file.filename.rpartition(".")[2].lower()
                ending = suffix if suffix in {"csv", "xlsx", "pdf"} else "bin"
                yield EvidenceFile(f"statement-{number}.{ending}", file.content)


def _edition(edition: Edition) -> dict[str, Any]:
    return {
        "number": edition.number,
        "basis": edition.basis.value,
        "documents": edition.figure.documents,
        "total": edition.figure.total.to_api(),
        "template": edition.template,
        "pdf_sha256": edition.digest,
    }


def _fate(mail: MailDelivery, to: str, sent_at: str) -> dict[str, Any]:
    """What became of a mail; its address is masked, as everywhere outside of its own row."""
    return {
        "to": to,
        "status": mail.state.value,
        "sent_at": sent_at,
        "message_id": mail.provider_id,
        "attempts": mail.attempts,
    }
