"""Subjects, proposals and runs on DynamoDB, beside the processes of the same tenant.

Rows in ``core`` (``wfl#T#<tenant>#…``): ``SUBJECT#<id>`` and ``PROPOSAL#<id>`` with ``META`` are
entities with history and audit; their ids follow from what they are about, so neither can be there
twice. ``RUN#<id>`` / ``META`` is where a pass of the time-driven rules stands; ``SELECTION#<name>``
/ ``<reference>`` is a subject that a rule selected. ``MORNINGS#<tenant>`` stands in the list
``MORNING`` of the ``due`` index: the companies that are looked at every day.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from kernel.errors import NotFoundError
from kernel.storing import Position
from toolkit.aws.due import NOT_DUE, due_at, waiting
from toolkit.aws.dynamodb import Database, Item, Keyspace, equals
from toolkit.aws.jobs import Jobs
from toolkit.aws.rows import day, moment, stamp_of
from toolkit.aws.unit_of_work import META, Change, entity_key
from workflow.adapters.dynamodb_processes import WORK, DynamoProcessStore, DynamoProcessUnit
from workflow.adapters.dynamodb_rules import CONTEXT
from workflow.adapters.rows import pack, unpack
from workflow.domain.processes.subjects import Dated, Subject
from workflow.domain.processes.triggers import Proposal, ProposalState, Run
from workflow.ports import ImportJob

SUBJECT: Final = "subject"
PROPOSAL: Final = "proposal"
IMPORT: Final = "subject_import"
_MORNING: Final = "MORNING"
_ALIVE: Final = "known"
_AGAIN: Final = timedelta(minutes=10)


class DynamoSubjectUnit(DynamoProcessUnit):
    """``SubjectUnit`` over one transaction."""

    def __init__(self, store: "DynamoSubjectStore") -> None:
        super().__init__(store)
        self._jobs = Jobs(store.database, store.keyspace)

    # -------------------------------------------------------------- subjects

    def add_subject(self, subject: Subject, detail: Mapping[str, Any]) -> None:
        row = {
            **_subject_row(subject),
            "by_pk": self._keyspace.key("SUBJECTS", subject.kind),
            "by_sk": subject.reference,
        }
        change = Change("subject.added", _ALIVE, detail=detail)
        self._unit.create(SUBJECT, subject.id, row, change)

    def save_subject(self, before: Subject, after: Subject, detail: Mapping[str, Any]) -> None:
        self._unit.change(
            self._unit.as_read(SUBJECT, before.id, _ALIVE, before.stamp),
            Change("subject.told", _ALIVE, detail=detail),
            assign=_subject_row(after),
        )

    # -------------------------------------------------------------- proposals

    def add_proposal(self, proposal: Proposal) -> None:
        detail = {"rule": proposal.rule, "action": proposal.action, "period": proposal.period}
        change = Change("proposal.made", proposal.state.value, detail=detail)
        row = {**_proposal_row(proposal), **self._place(proposal)}
        self._unit.create(PROPOSAL, proposal.id, row, change)

    def save_proposal(self, before: Proposal, after: Proposal, action: str) -> None:
        self._unit.change(
            self._unit.as_read(PROPOSAL, before.id, before.state.value, before.stamp),
            Change(action, after.state.value, detail={"process_id": after.process_id}),
            assign={**_proposal_row(after), **self._place(after)},
        )

    def _place(self, proposal: Proposal) -> Item:
        is_open = proposal.state is ProposalState.OPEN
        since = proposal.made_at if is_open else self._unit.now
        return {
            "by_pk": self._keyspace.key("PROPOSALS", "open" if is_open else "closed"),
            "by_sk": f"{moment(since)}#{proposal.id}",
        }

    # -------------------------------------------------------------- runs

    def add_run(self, run: Run) -> None:
        row = {
            **_run_row(run),
            "pk": self._keyspace.key("RUN", run.id),
            "sk": META,
            "version": run.version,
            **due_at(self._keyspace, self._unit.now + _AGAIN, run.id, waits_for=WORK),
        }
        self._unit.transaction.put_new("core", row, label=f"run:{run.id}")

    def save_run(self, run: Run) -> None:
        again = due_at(self._keyspace, self._unit.now + _AGAIN, run.id, waits_for=WORK)
        self._unit.transaction.update(
            "core",
            self._keyspace.key("RUN", run.id),
            META,
            assign={
                **_run_row(run),
                "version": run.version + 1,
                **({} if run.done else again),
            },
            remove=NOT_DUE if run.done else (),
            when=equals("version", run.version),
            label=f"run:{run.id}",
        )

    def select(self, selection: str, subject: Subject, amount_minor: int) -> None:
        self._unit.transaction.update(
            "core",
            self._keyspace.key("SELECTION", selection),
            subject.reference,
            assign={"amount": amount_minor},
        )

    def watch_mornings(self) -> None:
        tenant = self._store.context.tenant_id
        self._unit.transaction.update(
            "core",
            self._keyspace.key("MORNINGS", tenant),
            META,
            assign=due_at(self._keyspace, self._unit.now, tenant, waits_for=_MORNING),
        )

    # -------------------------------------------------------------- files

    def create_import(self, job_id: str, private: Mapping[str, Any]) -> None:
        again = due_at(self._keyspace, self._unit.now + _AGAIN, job_id, waits_for=WORK)
        subject = f"{IMPORT}:{job_id}"
        self._jobs.create(
            self._unit, job_id, IMPORT, subject=subject, private=dict(private), **again
        )

    def finish_job(
        self,
        job_id: str,
        status: str,
        *,
        result: Mapping[str, Any],
        problems: Sequence[Mapping[str, Any]] = (),
        total: int = 0,
        failed: int = 0,
    ) -> None:
        self._jobs.finish(
            self._unit,
            job_id,
            status,
            result=result,
            problems=problems,
            assign={"total": total, "done": total, "failed": failed},
        )


class DynamoSubjectStore(DynamoProcessStore):
    """``SubjectStore`` for one tenant."""

    def unit(self) -> DynamoSubjectUnit:
        """A new unit of work."""
        return DynamoSubjectUnit(self)

    def subject(self, subject_id: str) -> Subject:
        return _subject_from(self._entity(SUBJECT, subject_id))

    def subjects_by_id(self, ids: Sequence[str]) -> dict[str, Subject]:
        found = self._many(SUBJECT, ids)
        return {row["id"]: _subject_from(row) for row in found}

    def subjects(
        self, kind: str, *, limit: int, after: Position | None, begins: str = ""
    ) -> tuple[list[Subject], Position | None]:
        page = self.database.list_rows(
            self.keyspace.key("SUBJECTS", kind),
            prefix=begins or None,
            limit=limit,
            after=dict(after) if after else None,
        )
        return [_subject_from(row) for row in page.items], page.next_key

    def proposal(self, proposal_id: str) -> Proposal:
        return _proposal_from(self._entity(PROPOSAL, proposal_id))

    def proposals_made(self, ids: Sequence[str]) -> dict[str, datetime]:
        found = self._many(PROPOSAL, ids)
        return {row["id"]: datetime.fromisoformat(row["made_at"]) for row in found}

    def proposals(
        self, *, is_open: bool, limit: int, after: Position | None
    ) -> tuple[list[Proposal], Position | None]:
        page = self.database.list_rows(
            self.keyspace.key("PROPOSALS", "open" if is_open else "closed"),
            limit=limit,
            after=dict(after) if after else None,
            forward=is_open,
        )
        return [_proposal_from(row) for row in page.items], page.next_key

    def run(self, run_id: str) -> Run:
        row = self.database.get("core", self.keyspace.key("RUN", run_id), META)
        if row is None:
            raise NotFoundError("not_found", "There is no such item.")
        return _run_from(row)

    def selection(
        self, selection: str, *, limit: int, after: Position | None
    ) -> tuple[list[tuple[str, int]], Position | None]:
        page = self.database.query(
            "core",
            self.keyspace.key("SELECTION", selection),
            limit=limit,
            after=dict(after) if after else None,
        )
        return [(row["sk"], row["amount"]) for row in page.items], page.next_key

    def import_job(self, job_id: str) -> ImportJob | None:
        row = Jobs(self.database, self.keyspace).get(job_id)
        if row is None or row["kind"] != IMPORT:
            return None
        return ImportJob(
            row["id"],
            row["status"],
            row["private"],
            row.get("total", 0),
            row.get("result", {}),
            row.get("problems", ()),
        )

    def start_import(self, job_id: str) -> None:
        Jobs(self.database, self.keyspace).start(job_id)

    def _many(self, kind: str, ids: Sequence[str]) -> list[Item]:
        keys = [(entity_key(self.keyspace, kind, identity), META) for identity in ids]
        return list(self.database.get_many("core", keys).values()) if keys else []


class DynamoMornings:
    """``Mornings`` over the list ``MORNING`` of the ``due`` index."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def companies(self) -> Iterator[str]:
        for tenant, _ in waiting(self._database, "core", Keyspace(CONTEXT), waits_for=_MORNING):
            yield tenant


# ---------------------------------------------------------------------------- rows


def _subject_row(subject: Subject) -> Item:
    facts = {
        name: [[dated.since.isoformat(), dated.value] for dated in values]
        for name, values in subject.facts.items()
    }
    return {
        "subject_kind": subject.kind,
        "reference": subject.reference,
        "label": subject.label,
        "facts": pack(facts),
    }


def _subject_from(row: Mapping[str, Any]) -> Subject:
    facts = {
        name: tuple(Dated(date.fromisoformat(since), value) for since, value in values)
        for name, values in unpack(row["facts"]).items()
    }
    return Subject(
        row["id"], row["subject_kind"], row["reference"], row["label"], facts, stamp_of(row)
    )


def _proposal_row(proposal: Proposal) -> Item:
    return {
        "trigger": proposal.trigger,
        "rule": proposal.rule,
        "action": proposal.action,
        "subject": proposal.subject,
        "period": proposal.period,
        "title": dict(proposal.title),
        "unit": proposal.unit,
        "process": proposal.process,
        "data": pack(proposal.data),
        "decision_id": proposal.decision_id,
        "made_at": moment(proposal.made_at),
        "process_id": proposal.process_id,
        "reason": proposal.reason,
        "decided_by": proposal.decided_by,
    }


def _proposal_from(row: Mapping[str, Any]) -> Proposal:
    return Proposal(
        id=row["id"],
        trigger=row["trigger"],
        rule=row["rule"],
        action=row["action"],
        subject=row["subject"],
        period=row["period"],
        title=row["title"],
        unit=row["unit"],
        process=row["process"],
        data=unpack(row["data"]),
        decision_id=row["decision_id"],
        made_at=datetime.fromisoformat(row["made_at"]),
        state=ProposalState(row["state"]),
        process_id=row["process_id"],
        reason=row["reason"],
        decided_by=row["decided_by"],
        stamp=stamp_of(row),
    )


def _run_row(run: Run) -> Item:
    return {
        "id": run.id,
        "day": day(run.day),
        "started_at": moment(run.started_at),
        "kind_no": run.kind_no,
        "after": dict(run.after) if run.after else None,
        "seen": run.seen,
        "proposed": run.proposed,
        "incomplete": run.incomplete,
        "refused": run.refused,
        "selected": {key: list(pair) for key, pair in (run.selected or {}).items()},
        "done": run.done,
    }


def _run_from(row: Mapping[str, Any]) -> Run:
    made = Run(row["id"], date.fromisoformat(row["day"]), datetime.fromisoformat(row["started_at"]))
    return replace(
        made,
        kind_no=row["kind_no"],
        after=row["after"],
        seen=row["seen"],
        proposed=row["proposed"],
        incomplete=row["incomplete"],
        refused=row["refused"],
        selected={key: (pair[0], pair[1]) for key, pair in row["selected"].items()},
        done=row["done"],
        version=row["version"],
    )
