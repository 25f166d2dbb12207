"""Look at all subjects of a company with the time-driven rules, in slices (WFL-06).

A run is a row that says where it stands. A slice is a page of subjects: what it proposes is named
by rule, subject and period, so a slice that is done twice proposes nothing twice; where the run
stands moves only from where it was read.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from kernel.errors import KopruError
from kernel.ids import derived_id
from kernel.money import Money
from kernel.storing import WriteRefusedError
from workflow.application.evaluate_rule import Decided, Question, decide
from workflow.application.process_context import ATTENTION_RAISED, ProcessScope
from workflow.application.start_process import Start, StartProcess
from workflow.domain.processes.definition import Source
from workflow.domain.processes.subjects import Subject, SubjectKind
from workflow.domain.processes.triggers import (
    Consequence,
    Mode,
    Proposal,
    ProposalState,
    Run,
    Trigger,
    View,
    due,
    proposal_id,
)
from workflow.domain.processes.words import Words
from workflow.domain.rules.catalogue import Catalogue
from workflow.ports import Mornings, SubjectStore, SubjectUnit

PROPOSAL_MADE: Final = "workflow.ProposalMade.v1"
SLICE: Final = 80
"""Subjects of one slice: what they select fits into one write."""
_RESERVE: Final = 30.0
_SELECTED: Final = "debt_file"
"""What a selection is about."""


@dataclass(frozen=True)
class TriggerScope:
    """What the time-driven rules are built from."""

    processes: ProcessScope
    store: SubjectStore
    kinds: Sequence[SubjectKind]
    triggers: Sequence[Trigger]
    units: Mapping[str, Words]


class StartRuns:
    """Start the run of the day for every company that has subjects."""

    def __init__(self, mornings: Mornings, scope_of: Callable[[str], TriggerScope]) -> None:
        self._mornings = mornings
        self._scope_of = scope_of

    def __call__(self) -> int:
        """How many started; the second start of a day starts nothing."""
        return sum(
            StartRun(self._scope_of(tenant)).daily() for tenant in self._mornings.companies()
        )


class StartRun:
    """Start a run for one company."""

    def __init__(self, scope: TriggerScope) -> None:
        self._scope = scope

    def daily(self) -> bool:
        """The run of the day; False when it was started already."""
        rules = self._scope.processes.rules
        run_id = derived_id(f"{rules.tenant_id}\0run\0{rules.today.isoformat()}")
        try:
            self._start(run_id)
        except WriteRefusedError:
            return False
        return True

    def now(self) -> Run:
        """One more run, because somebody wants to see what is due."""
        return self._start(self._scope.processes.rules.ids.new())

    def _start(self, run_id: str) -> Run:
        rules = self._scope.processes.rules
        run = Run(run_id, rules.today, self._scope.processes.now)
        unit = self._scope.store.unit()
        unit.add_run(run)
        unit.enqueue({"run_id": run_id})
        unit.commit()
        return run


@dataclass
class _Slice:
    """What one page of subjects came to."""

    seen: int = 0
    proposed: int = 0
    incomplete: int = 0
    refused: int = 0


class ProposeWork:
    """Go on with a run as far as the time goes; the rest gets a message of its own."""

    def __init__(self, scope: TriggerScope) -> None:
        self._scope = scope
        self._catalogues: dict[str, Catalogue] = {}
        self._closed: dict[str, bool] = {}

    def __call__(self, run_id: str, remaining: Callable[[], float]) -> None:
        """Raises: WriteRefusedError when another worker moved the run; the message comes again."""
        run = self._scope.store.run(run_id)
        while not run.done:
            run = self._slice(run, more=remaining() > _RESERVE)
            if remaining() <= _RESERVE:
                return

    def _slice(self, run: Run, *, more: bool) -> Run:
        store, kinds = self._scope.store, self._scope.kinds
        kind = kinds[run.kind_no]
        page, following = store.subjects(kind.key, limit=SLICE, after=run.after)
        found = _Slice(seen=len(page))
        selected = dict(run.selected or {})
        unit = store.unit()
        triggers = [one for one in self._scope.triggers if one.subject == kind.key]
        for trigger in triggers:
            self._look(trigger, page, run, found, selected, unit)
        moved = replace(
            run,
            kind_no=run.kind_no if following else run.kind_no + 1,
            after=following,
            seen=run.seen + found.seen,
            proposed=run.proposed + found.proposed,
            incomplete=run.incomplete + found.incomplete,
            refused=run.refused + found.refused,
            selected=selected,
        )
        if following is None:
            moved = replace(
                moved,
                done=moved.kind_no == len(kinds),
                proposed=moved.proposed + self._propose_selections(triggers, moved),
            )
        unit.save_run(moved)
        if not moved.done and not more:
            unit.enqueue({"run_id": run.id})
        if moved.done and moved.proposed:
            unit.publish(
                ATTENTION_RAISED,
                f"proposal_run:{run.id}",
                {
                    "key": "proposals",
                    "subject": f"proposal_run:{run.id}",
                    "code": "proposals_waiting",
                    "severity": "low",
                },
            )
        unit.commit()
        return replace(moved, version=run.version + 1)

    def _look(
        self,
        trigger: Trigger,
        page: Sequence[Subject],
        run: Run,
        found: _Slice,
        selected: dict[str, tuple[int, int]],
        unit: SubjectUnit,
    ) -> None:
        made: list[tuple[Proposal, Decided, Consequence]] = []
        for subject in page:
            facts = subject.on(run.day)
            if not trigger.needs <= facts.keys():
                # Only a fact that may be unknown may be missing: the kind says which.
                missing = trigger.needs - facts.keys()
                known = self._scope.kinds[run.kind_no].facts
                if not all(known[name].fact.nullable for name in missing):
                    found.incomplete += 1
                    continue
                facts = {**dict.fromkeys(missing), **facts}
            try:
                decided = self._ask(trigger, subject, facts, run)
            except KopruError:
                found.refused += 1
                continue
            if decided is None:
                continue
            view = View(subject, facts, run.day, decided.record.result or {})
            for consequence in due(trigger, view.result):
                if consequence.mode is Mode.SELECT:
                    self._select(trigger, consequence, view, run, selected, unit)
                elif not view.period(consequence):
                    found.incomplete += 1
                else:
                    proposal = self._proposal(trigger, consequence, view, decided)
                    made.append((proposal, decided, consequence))
        earlier = self._scope.store.proposals_made([proposal.id for proposal, _, _ in made])
        # A slice that is done again counts what it wrote before it broke off.
        found.proposed += sum(made_at >= run.started_at for made_at in earlier.values())
        written: set[str] = set()
        for proposal, decided, consequence in made:
            if proposal.id not in earlier:
                # Consequences of one decision are proposals of their own; it is kept once.
                fresh = decided.record.id not in written
                found.proposed += self._write(proposal, decided if fresh else None, consequence)
                written.add(decided.record.id)

    def _ask(
        self, trigger: Trigger, subject: Subject, facts: dict[str, Any], run: Run
    ) -> Decided | None:
        """What the rule says; None where one of its guards says that it is not asked today."""
        view = View(subject, facts, run.day, {})
        for guard in trigger.guards:
            said = self._decide(guard.rule, guard.facts, view).record.result or {}
            if any(said.get(name) != value for name, value in guard.require.items()):
                return None
        return self._decide(trigger.rule, trigger.facts, view)

    def _decide(self, rule: str, facts: Mapping[str, Source], view: View) -> Decided:
        rules = self._scope.processes.rules
        table = rules.shipped.table_of(rule)
        if table not in self._catalogues:
            self._catalogues[table] = rules.catalogue(table)
        asked = {name: view.value(source) for name, source in facts.items()}
        question = Question(
            rule, asked, valid_on=view.day, causation_id=f"subject-{view.subject.id}"
        )
        return decide(rules, question, self._catalogues[table])

    def _select(
        self,
        trigger: Trigger,
        consequence: Consequence,
        view: View,
        run: Run,
        selected: dict[str, tuple[int, int]],
        unit: SubjectUnit,
    ) -> None:
        period = view.period(consequence)
        if self._is_closed(trigger, consequence, period, run):
            return
        selection = _selection(trigger, period)
        minor = Money.from_decimal(Decimal(view.facts[consequence.amount]), "TRY").minor
        count, total = selected.get(selection, (0, 0))
        selected[selection] = (count + 1, total + minor)
        unit.select(selection, view.subject, minor)

    def _is_closed(self, trigger: Trigger, consequence: Consequence, period: str, run: Run) -> bool:
        """Whether an earlier run proposed this selection: what was proposed does not grow."""
        identity = self._selection_id(trigger, consequence, period)
        if identity not in self._closed:
            known = self._scope.store.proposals_made([identity])
            self._closed[identity] = any(at < run.started_at for at in known.values())
        return self._closed[identity]

    def _selection_id(self, trigger: Trigger, consequence: Consequence, period: str) -> str:
        tenant = self._scope.processes.rules.tenant_id
        subject = f"{_SELECTED}:{period}"
        return proposal_id(tenant, trigger.rule, consequence.action, subject, period)

    def _proposal(
        self, trigger: Trigger, consequence: Consequence, view: View, decided: Decided
    ) -> Proposal:
        rules = self._scope.processes.rules
        period, subject = view.period(consequence), view.subject.name
        data = {name: view.value(source) for name, source in consequence.data.items()}
        return Proposal(
            id=proposal_id(rules.tenant_id, trigger.rule, consequence.action, subject, period),
            trigger=trigger.key,
            rule=trigger.rule,
            action=consequence.action,
            subject=subject,
            period=period,
            title=consequence.title,
            unit=consequence.unit,
            process=consequence.process,
            data={name: value for name, value in data.items() if value is not None},
            decision_id=decided.record.id,
            made_at=self._scope.processes.now,
        )

    def _propose_selections(self, triggers: Sequence[Trigger], run: Run) -> int:
        """One proposal for all that a rule selected, once per period."""
        made = 0
        selecting = {
            trigger.key: (trigger, one)
            for trigger in triggers
            for one in trigger.consequences
            if one.mode is Mode.SELECT
        }
        for selection, (count, total) in (run.selected or {}).items():
            key, _, period = selection.partition(".")
            if key not in selecting:
                continue
            trigger, consequence = selecting[key]
            identity = self._selection_id(trigger, consequence, period)
            known = self._scope.store.proposals_made([identity])
            if known:
                made += sum(made_at >= run.started_at for made_at in known.values())
                continue
            proposal = Proposal(
                id=identity,
                trigger=trigger.key,
                rule=trigger.rule,
                action=consequence.action,
                subject=f"{_SELECTED}:{period}",
                period=period,
                title=consequence.title,
                unit=consequence.unit,
                process=consequence.process,
                data={
                    "period": period,
                    "contracts": count,
                    "total": Money(total, "TRY").amount_text,
                },
                decision_id="",
                made_at=self._scope.processes.now,
            )
            made += self._write(proposal, None, consequence)
        return made

    def _write(self, proposal: Proposal, decided: Decided | None, what: Consequence) -> int:
        """Write a proposal with its decision; open its work where the rule says so."""
        unit = self._scope.store.unit()
        if what.mode is Mode.OPEN:
            opened = StartProcess(self._scope.processes).begin(start_of(self._scope, proposal))
            opened.unit = unit
            head = opened.create()
            proposal = replace(proposal, state=ProposalState.OPENED, process_id=head.id)
            unit.publish(
                ATTENTION_RAISED,
                f"process:{head.id}",
                {
                    "key": f"process:{head.id}",
                    "subject": f"process:{head.id}",
                    "code": "work_opened",
                    "severity": "medium",
                },
            )
        unit.add_proposal(proposal)
        if decided is not None:
            unit.add_decision(decided.record)
        unit.publish(
            PROPOSAL_MADE,
            f"proposal:{proposal.id}",
            {
                "proposal_id": proposal.id,
                "rule": proposal.rule,
                "action": proposal.action,
                "subject": proposal.subject,
                "period": proposal.period,
                "unit": proposal.unit,
                "process_id": proposal.process_id or None,
            },
        )
        try:
            unit.commit()
        except WriteRefusedError as error:
            if error.refused("proposal:"):
                return 0
            raise
        return 1


def _selection(trigger: Trigger, period: str) -> str:
    """Where the members of a selection are kept."""
    return f"{trigger.key}.{period}"


def start_of(scope: TriggerScope, proposal: Proposal, data: dict[str, Any] | None = None) -> Start:
    """What accepting a proposal starts."""
    processes = scope.processes
    version = processes.processes().current(proposal.process, processes.rules.today, processes.now)
    reference = proposal.subject.partition(":")[2]
    return Start(
        proposal.process,
        f"{version.definition.subject}:{reference}",
        {**proposal.data, **(data or {})},
        cause=proposal.id,
    )
