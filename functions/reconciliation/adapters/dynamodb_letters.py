"""Letters on DynamoDB: the part of the store and of its unit that letters and mails need.

Rows in ``core``: ``LETTER#<id>`` and ``LETTER-MAIL#<id>`` are entities named by what they are about
(keyed hash), so neither can be there twice; ``LETTER-EDITIONS#<letter>`` / ``<number>`` keeps every
edition; ``LETTER-TEMPLATE#<language>-<version>`` and ``MAILING-SETTINGS#own`` are entities;
``LETTER-BOARD#<yyyy-mm>`` / ``<form>#<shard>`` counts letters by state, moved in the transaction
that moves the letter; ``SUPPRESSED#<hash>`` is an address that wants nothing while
it has a ``reason``; ``MAIL-MATTER#<id>`` is listed while a mail waits for a person.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from kernel.errors import NotFoundError
from kernel.periods import Period
from kernel.sensitive import Email
from kernel.stamp import Stamp
from kernel.storing import HistoryLine, Position
from reconciliation.adapters import letter_rows, rows
from reconciliation.adapters.dynamodb_portal_mails import PortalMailReads
from reconciliation.adapters.parts import WritePart
from reconciliation.domain.counterparty import Counterparty
from reconciliation.domain.ledger import Form
from reconciliation.domain.letter import Letter, LetterMail, LetterState
from reconciliation.domain.letter_template import LetterTemplate
from reconciliation.domain.mailing import MailingSettings
from reconciliation.domain.portal_mail import PortalMail
from reconciliation.domain.suppression import Suppression
from reconciliation.ports import MailToSend
from toolkit.aws.due import NOT_DUE
from toolkit.aws.dynamodb import Item, Page, absent, equals
from toolkit.aws.history import read_history
from toolkit.aws.rows import moment
from toolkit.aws.unit_of_work import META, Change, entity_key, sequence

LETTER: Final = "letter"
MAIL: Final = "letter_mail"
TEMPLATE: Final = "letter_template"
SETTINGS: Final = "mailing_settings"
PARAMETERS: Final = "babs_parameters"
_OWN: Final = "own"
_STORED: Final = "stored"
_SHARDS: Final = 32
_CONTEXT: Final = "rec"


class LetterWrites(WritePart):
    """The part of ``ReconciliationUnit`` that letters and mails need."""

    _store: Any

    # -------------------------------------------------------------- letters

    def add_letter(self, letter: Letter) -> None:
        row = letter_rows.letter_row(letter)
        row |= self._in_list(f"LETTERS#{letter.period}", f"{letter.form.value}#{letter.id}")
        detail = {"period": str(letter.period), "form": letter.form.value}
        change = Change("letter.drafted", letter.state.value, detail=detail)
        self._unit.create(LETTER, letter.id, row, change)
        self._keep_edition(letter)
        self._board(letter, letter.state, 1)

    def save_letter(
        self, before: Letter, after: Letter, action: str, detail: Mapping[str, Any] | None = None
    ) -> Letter:
        stored = self._unit.as_read(LETTER, before.id, before.state.value, before.stamp)
        changed = self._unit.change(
            stored,
            Change(action, after.state.value, detail=detail or {}),
            assign=letter_rows.letter_row(after),
        )
        if after.edition.number != before.edition.number:
            self._keep_edition(after)
            self._board(before, before.state, -1)
            self._board(after, after.state, 1)
        elif after.state is not before.state:
            self._board(after, before.state, -1)
            self._board(after, after.state, 1)
        return letter_rows.letter_from(changed)

    def require_letter(self, letter: Letter) -> None:
        self._unchanged(LETTER, letter.id, letter.stamp, "letter_changed")

    def require_counterparty(self, counterparty: Counterparty) -> None:
        self._unchanged("counterparty", counterparty.id, counterparty.stamp, "counterparty_changed")

    def require_settings(self, settings: MailingSettings) -> None:
        if settings.stamp.version:
            self._unchanged(SETTINGS, _OWN, settings.stamp, "settings_changed")

    def _unchanged(self, kind: str, identity: str, stamp: Stamp, label: str) -> None:
        pk = entity_key(self._keyspace, kind, identity)
        self._unit.transaction.check(
            "core", pk, META, equals("version", stamp.version), label=label
        )

    def _keep_edition(self, letter: Letter) -> None:
        row = {
            "pk": self._keyspace.key("LETTER-EDITIONS", letter.id),
            "sk": sequence(letter.edition.number),
            **letter_rows.edition_row(letter.edition),
        }
        self._unit.transaction.put_new("core", row, label="edition")

    def _board(self, letter: Letter, state: LetterState, step: int) -> None:
        shard = int(hashlib.sha256(letter.id.encode()).hexdigest()[:4], 16) % _SHARDS
        figure = letter.edition.figure
        self._unit.count(
            self._keyspace.key("LETTER-BOARD", str(letter.period)),
            f"{letter.form.value}#{shard}",
            {f"{state.value}_n": step, f"{state.value}_sum": step * figure.total.minor},
        )

    # -------------------------------------------------------------- mails

    def add_letter_mail(self, mail: LetterMail) -> None:
        row = {**letter_rows.mail_row(mail), **self._due(mail.id, mail.next_at)}
        row |= self._in_list(f"LETTER-MAILS#{mail.period}", f"{mail.asked_at}#{mail.id}")
        detail = {"letter_id": mail.letter_id, "kind": mail.kind, "edition": mail.edition}
        self._unit.create(
            MAIL, mail.id, row, Change("mail.queued", mail.state.value, detail=detail)
        )

    def save_letter_mail(self, before: LetterMail, after: LetterMail, action: str) -> LetterMail:
        self._matter(MAIL, before, after)
        stored = self._unit.as_read(MAIL, before.id, before.state.value, before.stamp)
        detail = {"letter_id": after.letter_id, "reason": after.reason, "attempts": after.attempts}
        changed = self._unit.change(
            stored,
            Change(action, after.state.value, detail=detail),
            assign={**letter_rows.mail_row(after), **self._due(after.id, after.next_at)},
            remove=() if after.next_at is not None else NOT_DUE,
        )
        return letter_rows.mail_from(changed)

    def require_not_suppressed(self, email: Email) -> None:
        pk = self._store.suppression_key(email)
        self._unit.transaction.check("core", pk, META, absent("reason"), label="suppressed")

    def suppress(self, email: Email, reason: str) -> None:
        self._unit.transaction.update(
            "core",
            self._store.suppression_key(email),
            META,
            assign={"reason": reason, "at": moment(self._unit.now)},
            label="suppress",
        )

    def lift_suppression(self, found: Suppression, note: str) -> None:
        lifted = {"was": found.reason, "lifted_at": moment(self._unit.now), "note": note}
        self._unit.transaction.update(
            "core",
            self._store.suppression_key(found.email),
            META,
            assign={**lifted, "lifted_by": self._store.context.actor},
            remove=("reason",),
            when=equals("reason", found.reason),
            label="suppress",
        )

    # -------------------------------------------------------------- texts, settings

    def add_template(self, template: LetterTemplate) -> None:
        row = letter_rows.template_row(template)
        row |= self._in_list("LETTER-TEMPLATES", f"{template.language}#{template.version:06d}")
        change = Change("letter_template.drafted", template.state.value)
        self._unit.create(TEMPLATE, template.id, row, change)

    def save_template(self, before: LetterTemplate, after: LetterTemplate, action: str) -> None:
        stored = self._unit.as_read(TEMPLATE, before.id, before.state.value, before.stamp)
        row = letter_rows.template_row(after)
        self._unit.change(stored, Change(action, after.state.value), assign=row)

    def save_mailing_settings(
        self, before: MailingSettings, after: MailingSettings, next_run: datetime | None
    ) -> MailingSettings:
        row = {**letter_rows.settings_row(after), **self._due(_OWN, next_run)}
        detail = {"automatic": after.automatic, "window": [row["starts_day"], row["ends_day"]]}
        change = Change("mailing_settings.changed", _STORED, detail=detail)
        if not before.stamp.version:
            return letter_rows.settings_from(self._unit.create(SETTINGS, _OWN, row, change))
        stored = self._unit.as_read(SETTINGS, _OWN, _STORED, before.stamp)
        changed = self._unit.change(
            stored, change, assign=row, remove=() if next_run is not None else NOT_DUE
        )
        return letter_rows.settings_from(changed)

    def set_next_run(self, next_run: datetime | None) -> None:
        """Move the day on which the company's letters leave by themselves; not a change of what it
        set, so nothing of it is history.
        """
        self._unit.transaction.update(
            "core",
            entity_key(self._keyspace, SETTINGS, _OWN),
            META,
            assign=self._due(_OWN, next_run),
            remove=() if next_run is not None else NOT_DUE,
            when=equals("id", _OWN),
            label="next_run",
        )

    def _in_list(self, name: str, position: str) -> Item:
        return {"by_pk": self._keyspace.key(*name.split("#")), "by_sk": position}


class LetterReads(PortalMailReads):
    """The part of ``ReconciliationStore`` that letters and mails need."""

    def _letter_page(self, name: str, limit: int, after: Position | None, forward: bool) -> Page:
        return self.database.list_rows(
            self.keyspace.key(*name.split("#")),
            limit=limit,
            after=dict(after) if after else None,
            forward=forward,
        )

    # -------------------------------------------------------------- letters

    def letter_id(self, period: Period, form: Form, merge_key: str) -> str:
        return self._named("letter", str(period), form.value, merge_key)

    def letter_mail_id(self, letter_id: str, kind: str, email: Email) -> str:
        return self._named("letter-mail", letter_id, kind, _address(email))

    def letter(self, letter_id: str) -> Letter:
        found = self.letters([letter_id])
        if letter_id not in found:
            raise NotFoundError("not_found", "There is no such item.")
        return found[letter_id]

    def letters(self, ids: Iterable[str]) -> dict[str, Letter]:
        keys = [(entity_key(self.keyspace, LETTER, one), META) for one in ids]
        found = self.database.get_many("core", keys)
        return {row["id"]: letter_rows.letter_from(row) for row in found.values()}

    def letter_page(
        self, period: Period, *, limit: int, after: Position | None
    ) -> tuple[list[Letter], Position | None]:
        page = self._letter_page(f"LETTERS#{period}", limit, after, forward=True)
        return [letter_rows.letter_from(row) for row in page.items], page.next_key

    def letters_of(self, period: Period) -> Iterator[Letter]:
        for row in self.database.list_all(self.keyspace.key("LETTERS", str(period))):
            yield letter_rows.letter_from(row)

    def editions(self, letter_id: str) -> list[Any]:
        found = self.database.query_all("core", self.keyspace.key("LETTER-EDITIONS", letter_id))
        return [letter_rows.edition_from(row) for row in found]

    def letter_board(self, period: Period) -> dict[tuple[Form, LetterState], tuple[int, int]]:
        board: dict[tuple[Form, LetterState], tuple[int, int]] = {}
        for row in self.database.query_all("core", self.keyspace.key("LETTER-BOARD", str(period))):
            form = Form(str(row["sk"]).partition("#")[0])
            for state in LetterState:
                number, total = board.get((form, state), (0, 0))
                board[form, state] = (
                    number + int(row.get(f"{state.value}_n", 0)),
                    total + int(row.get(f"{state.value}_sum", 0)),
                )
        return board

    def history(self, subject: str) -> list[HistoryLine]:
        entries, _ = read_history(self.database, _CONTEXT, self.context.tenant_id, subject)
        return [
            HistoryLine(
                entry.at, entry.actor, entry.action, entry.from_state, entry.to_state, entry.detail
            )
            for entry in entries
        ]

    # -------------------------------------------------------------- mails

    def letter_mail(self, mail_id: str) -> LetterMail | None:
        return self.letter_mails([mail_id]).get(mail_id)

    def mail_to_send(self, mail_id: str, letter_id: str) -> MailToSend | None:
        def key(kind: str, identity: str) -> tuple[str, str]:
            return entity_key(self.keyspace, kind, identity), META

        own = {kind: key(kind, _OWN) for kind in (SETTINGS, PARAMETERS)}
        wanted = [key(MAIL, mail_id), *own.values()]
        found = self.database.get_many(
            "core", [*wanted, key(LETTER, letter_id)] if letter_id else wanted
        )
        row = found.get(wanted[0])
        if row is None:
            return None
        mail = letter_rows.mail_from(row)
        stored = found.get(key(LETTER, mail.letter_id))
        return MailToSend(
            mail,
            letter_rows.letter_from(stored) if stored else self.letter(mail.letter_id),
            letter_rows.settings_from(found.get(own[SETTINGS])),
            rows.parameters_from(found.get(own[PARAMETERS])),
        )

    def receiver_and_text(
        self, counterparty_id: str, template_id: str
    ) -> tuple[Counterparty, LetterTemplate]:
        card = entity_key(self.keyspace, "counterparty", counterparty_id), META
        text = entity_key(self.keyspace, TEMPLATE, template_id), META
        found = self.database.get_many("core", [card, text])
        if card not in found or text not in found:
            raise NotFoundError("not_found", "There is no such item.")
        return rows.counterparty_from(found[card]), letter_rows.template_from(found[text])

    def letter_mails(self, ids: Iterable[str]) -> dict[str, LetterMail]:
        keys = [(entity_key(self.keyspace, MAIL, one), META) for one in ids]
        found = self.database.get_many("core", keys)
        return {row["id"]: letter_rows.mail_from(row) for row in found.values()}

    def letter_mail_page(
        self, period: Period, *, limit: int, after: Position | None
    ) -> tuple[list[LetterMail], Position | None]:
        page = self._letter_page(f"LETTER-MAILS#{period}", limit, after, forward=True)
        return [letter_rows.mail_from(row) for row in page.items], page.next_key

    def mail_matters(
        self, *, limit: int, after: Position | None
    ) -> tuple[list[LetterMail | PortalMail], Position | None]:
        page = self._letter_page("MAIL-MATTERS", limit, after, forward=True)
        ids = [row["mail_id"] for row in page.items]
        found: dict[str, LetterMail | PortalMail] = {**self.letter_mails(ids)}
        found |= self.portal_mails(ids)
        return [found[one] for one in ids if one in found], page.next_key

    def suppression_key(self, email: Email) -> str:
        """Key of the row that says that an address wants nothing."""
        return self.keyspace.key("SUPPRESSED", self._keyed(_address(email))[:40])

    def is_suppressed(self, email: Email) -> bool:
        return bool(self.suppressions([email]))

    def suppressions(self, emails: Iterable[Email]) -> list[Suppression]:
        keys = {(self.suppression_key(email), META): email for email in emails}
        found = self.database.get_many("core", list(keys))
        return [
            Suppression(email, found[key]["reason"], found[key]["at"])
            for key, email in keys.items()
            if key in found and "reason" in found[key]
        ]

    # -------------------------------------------------------------- texts, settings

    def mailing_settings(self) -> MailingSettings:
        pk = entity_key(self.keyspace, SETTINGS, _OWN)
        return letter_rows.settings_from(self.database.get("core", pk, META))

    def templates(self) -> list[LetterTemplate]:
        rows = self.database.list_all(self.keyspace.key("LETTER-TEMPLATES"))
        return [letter_rows.template_from(row) for row in rows]

    def template(self, template_id: str) -> LetterTemplate:
        pk = entity_key(self.keyspace, TEMPLATE, template_id)
        row = self.database.get("core", pk, META)
        if row is None:
            raise NotFoundError("not_found", "There is no such item.")
        return letter_rows.template_from(row)


def _address(email: Email) -> str:
    return email.reveal("look up an address").lower()
