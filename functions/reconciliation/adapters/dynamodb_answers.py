"""Answers of counterparties on DynamoDB: the part of store and unit that they need.

Rows in ``core``: ``PORTAL-ANSWER#<id>`` is an entity, listed by month;
``PORTAL-ANSWERS-OF#<letter>`` / ``<at>#<id>`` lists them by letter. All begin with ``PORTAL-``,
because the door of counterparties may write nothing else.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from kernel.errors import NotFoundError
from kernel.money import Money
from kernel.periods import Period
from kernel.storing import Position
from reconciliation.adapters.parts import ReadPart, WritePart
from reconciliation.domain.answer import (
    Answer,
    AnswerFields,
    AnswerState,
    Channel,
    Said,
    Source,
)
from reconciliation.domain.ledger import Form
from reconciliation.domain.parameters import HOME
from toolkit.aws.dynamodb import Item
from toolkit.aws.rows import stamp_of
from toolkit.aws.unit_of_work import META, Change, entity_key

ANSWER: Final = "portal_answer"


def answer_row(answer: Answer) -> Item:
    """Attributes of an answer."""
    fields, source = answer.fields, answer.source
    return {
        "letter_id": answer.letter_id,
        "counterparty_id": answer.counterparty_id,
        "period": str(answer.period),
        "form": answer.form.value,
        "edition": answer.edition,
        "at": answer.at,
        "said": fields.said.value,
        "name": fields.name,
        "note": fields.note,
        "their_count": fields.their_count,
        "their_total": None if fields.their_total is None else fields.their_total.minor,
        "channel": source.channel.value,
        "ip": source.ip,
        "agent": source.agent,
        "reason": answer.reason,
    }


def answer_from(row: Mapping[str, Any]) -> Answer:
    """The answer behind a row."""
    total = row["their_total"]
    return Answer(
        id=row["id"],
        letter_id=row["letter_id"],
        counterparty_id=row["counterparty_id"],
        period=Period.parse(row["period"]),
        form=Form(row["form"]),
        edition=row["edition"],
        at=row["at"],
        fields=AnswerFields(
            Said(row["said"]),
            row["name"],
            row["note"],
            row["their_count"],
            None if total is None else Money(total, HOME),
        ),
        source=Source(Channel(row["channel"]), row["ip"], row["agent"]),
        state=AnswerState(row["state"]),
        reason=row["reason"],
        stamp=stamp_of(row),
    )


class AnswerWrites(WritePart):
    """The part of ``ReconciliationUnit`` that answers need."""

    def add_answer(self, answer: Answer) -> None:
        row = answer_row(answer) | {
            "by_pk": self._keyspace.key("PORTAL-ANSWERS", str(answer.period)),
            "by_sk": f"{answer.at}#{answer.id}",
        }
        said = {"letter_id": answer.letter_id, "said": answer.fields.said.value}
        change = Change("portal_answer.given", answer.state.value, detail=said)
        self._unit.create(ANSWER, answer.id, row, change)
        of_letter = {
            "pk": self._keyspace.key("PORTAL-ANSWERS-OF", answer.letter_id),
            "sk": f"{answer.at}#{answer.id}",
        }
        self._unit.transaction.put_new("core", of_letter, label="answer_of")

    def save_answer(self, before: Answer, after: Answer, action: str) -> Answer:
        stored = self._unit.as_read(ANSWER, before.id, before.state.value, before.stamp)
        detail = {"letter_id": after.letter_id, "reason": after.reason}
        changed = self._unit.change(
            stored, Change(action, after.state.value, detail=detail), assign=answer_row(after)
        )
        return answer_from(changed)


class AnswerReads(ReadPart):
    """The part of ``ReconciliationStore`` that answers need."""

    def answer(self, answer_id: str) -> Answer:
        found = self._answers([answer_id])
        if not found:
            raise NotFoundError("not_found", "There is no such item.")
        return found[0]

    def answers_of(self, letter_id: str) -> list[Answer]:
        listed = self.database.query_all("core", self.keyspace.key("PORTAL-ANSWERS-OF", letter_id))
        return self._answers([str(row["sk"]).rpartition("#")[2] for row in listed])

    def answer_page(
        self, period: Period, *, limit: int, after: Position | None
    ) -> tuple[list[Answer], Position | None]:
        page = self.database.list_rows(
            self.keyspace.key("PORTAL-ANSWERS", str(period)),
            limit=limit,
            after=dict(after) if after else None,
            forward=False,
        )
        return [answer_from(row) for row in page.items], page.next_key

    def _answers(self, ids: Iterable[str]) -> list[Answer]:
        keys = [(entity_key(self.keyspace, ANSWER, one), META) for one in ids]
        found = self.database.get_many("core", keys)
        return [answer_from(found[key]) for key in keys if key in found]
