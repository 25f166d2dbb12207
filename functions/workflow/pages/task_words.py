"""Words of approvals: states, levels, kinds, persons, and what happened."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from kernel.money import Money
from kernel.parsing import parse_instant
from kernel.storing import HistoryLine
from webkit.components import Status, Step, StepState, TimelineEntry, Tone
from webkit.i18n import Language, mark
from workflow.application.approvals.context import amount_of
from workflow.domain.approvals.approval import Approval, ApprovalStatus, Task
from workflow.domain.approvals.chain import ROLE, Signature
from workflow.domain.approvals.people import Colleague
from workflow.domain.approvals.signing import TrustKind
from workflow.pages.words import Say

STATUS: Final[Mapping[ApprovalStatus, tuple[str, Tone]]] = {
    ApprovalStatus.NOT_REQUIRED: (mark("no approval needed"), Tone.OK),
    ApprovalStatus.PENDING: (mark("waits for a decision"), Tone.WAITING),
    ApprovalStatus.RETURNED: (mark("returned to who asked"), Tone.WARNING),
    ApprovalStatus.APPROVED: (mark("approved"), Tone.OK),
    ApprovalStatus.REJECTED: (mark("rejected"), Tone.ERROR),
    ApprovalStatus.EXPIRED: (mark("expired: nobody decided"), Tone.ERROR),
    ApprovalStatus.WITHDRAWN: (mark("withdrawn"), Tone.NEUTRAL),
}
KIND: Final[Mapping[str, str]] = {
    "purchase": mark("Purchase"),
    "repair_order": mark("Repair order"),
    "debt_termination": mark("Termination for debt"),
    "bank_debt_file": mark("Debt file for the bank"),
    "pension_remittance": mark("Payment to a pension company"),
    "card_contract_change": mark("Change of a card contract"),
    "process_step": mark("Step of a process"),
}
LEVEL: Final[Mapping[str, str]] = {
    "CHIEF": mark("Chief"),
    "MANAGER": mark("Manager"),
    "DIRECTOR": mark("Director"),
    "GENERAL_MANAGER": mark("General manager"),
    "UNIT_MANAGER": mark("Unit manager"),
}
ROLES: Final[Mapping[str, str]] = {
    "owner": mark("owners"),
    "accountant": mark("accountants"),
    "payroll": mark("payroll"),
    "finance": mark("finance"),
    "viewer": mark("viewers"),
}
LABEL: Final[Mapping[str, str]] = {
    "period": mark("Month"),
    "contract": mark("Contract"),
    "provider": mark("Pension company"),
    "people": mark("People"),
    "due_on": mark("Due on"),
    "supplier": mark("Supplier"),
    "description": mark("Description"),
    "revision": mark("Revision"),
    "effective_from": mark("Counts for sales from"),
    "change": mark("What changes"),
    "note": mark("Note"),
    "process": mark("Process"),
    "step": mark("Step"),
    "subject": mark("Item"),
}
ACTION: Final[Mapping[str, tuple[str, Tone]]] = {
    "approval.submitted": (mark("Asked for approval"), Tone.INFO),
    "approval.not_required": (mark("No approval is needed"), Tone.OK),
    "approval.approved": (mark("Approved"), Tone.OK),
    "approval.approved_by_time": (mark("Approved because nobody objected in time"), Tone.OK),
    "approval.agreed": (mark("Agreed; others are still asked"), Tone.OK),
    "approval.rejected": (mark("Rejected"), Tone.ERROR),
    "approval.sent_back": (mark("Sent back"), Tone.WARNING),
    "approval.asked_again": (mark("Asked again"), Tone.INFO),
    "approval.withdrawn": (mark("Withdrawn"), Tone.NEUTRAL),
    "approval.escalated": (mark("Nobody decided in time; others are asked"), Tone.WARNING),
    "approval.reminded": (mark("Reminder"), Tone.WAITING),
    "approval.expired": (mark("Expired: nobody decided"), Tone.ERROR),
    "approval.delegated": (mark("Given to somebody else"), Tone.INFO),
    "approval.reassigned": (mark("Others were named"), Tone.INFO),
    "approval.info_requested": (mark("A question was asked"), Tone.WAITING),
    "approval.info_given": (mark("The question was answered"), Tone.INFO),
    "approval.commented": (mark("A remark"), Tone.NEUTRAL),
    "approval.duty_violation": (mark("Refused: another duty forbids it"), Tone.ERROR),
}
REFUSAL: Final[Mapping[str, str]] = {
    "duty_requester": mark("You asked for this yourself, so somebody else decides."),
    "duty_twice": mark("You approved another stage of this already, so somebody else decides."),
    "duty_apart": mark("Another duty of yours in this matter forbids the decision."),
    "decided_by_you": mark("You have decided; others are still asked."),
}
SIGNATURE: Final[Mapping[Signature, str]] = {
    Signature.NONE: "",
    Signature.EVIDENCE: mark("The hub signs the decision."),
    Signature.QUALIFIED: mark("Whoever approves signs the decision with an own certificate."),
}
TRUST: Final[Mapping[TrustKind, str]] = {
    TrustKind.ANCHOR: mark("Authority"),
    TrustKind.REVOCATIONS: mark("Revocation list"),
    TrustKind.SIGNER: mark("Signer"),
}


class SayTask(Say):
    """The words of approvals, with the names of persons that are known here."""

    def __init__(self, words: Language, people: Iterable[Colleague] = ()) -> None:
        super().__init__(words)
        self._names = {person.id: person.name for person in people}

    def knows(self, approval: Approval) -> "SayTask":
        """Learn the names an approval keeps."""
        for stage in approval.chain.stages:
            self._names |= stage.names
        for task in approval.tasks:
            self._names |= {vote.by: vote.name for vote in task.votes if vote.name}
        return self

    def status(self, status: ApprovalStatus) -> Status:
        """Where an approval stands."""
        word, tone = STATUS[status]
        return Status(self.words.text(word), tone)

    def kind(self, kind: str) -> str:
        """What is to be approved."""
        return self.words.text(KIND[kind]) if kind in KIND else kind.replace("_", " ")

    def level(self, level: str) -> str:
        """A level of a chain."""
        return self.words.text(LEVEL[level]) if level in LEVEL else level.replace("_", " ")

    def said(self, text: object) -> str:
        """A text of the content: plain, or one in each language."""
        if isinstance(text, Mapping):
            return str(text.get(self.words.code) or text.get("en") or "")
        return "" if text is None else str(text)

    def label(self, label: object) -> str:
        """Label of a field of the content: a word of ours, or one in each language."""
        if not isinstance(label, str):
            return self.said(label)
        return self.words.text(LABEL[label]) if label in LABEL else label.replace("_", " ")

    def who(self, person: str) -> str:
        """A candidate or an actor: a name, a role, or as much as is known."""
        if person.startswith(ROLE):
            role = person.removeprefix(ROLE)
            return self.words.text(ROLES[role]) if role in ROLES else role
        if self._names.get(person):
            return self._names[person]
        if person.startswith("system:"):
            return "Köprü"
        if person.startswith("key:"):
            return self.words.text("a program")
        return self.words.text("a colleague …%(tail)s", tail=person[-4:])

    def candidates(self, task: Task) -> str:
        """Everybody who is asked."""
        return ", ".join(self.who(name) for name in task.candidates)

    def amount(self, approval: Approval) -> Money | None:
        """What it is about, in money."""
        return amount_of(approval.content)

    def title(self, approval: Approval) -> str:
        """What is to be approved, in one line."""
        said = self.said(approval.content.get("title"))
        return f"{self.kind(approval.kind)}: {said}" if said else self.kind(approval.kind)

    def facts(self, approval: Approval) -> list[tuple[str, str]]:
        """The content as labelled values."""
        shown = [
            (self.label(each.get("label", "")), self.said(each.get("value")))
            for each in approval.content.get("fields", ())
            if isinstance(each, Mapping)
        ]
        known = ("title", "amount", "fields", "href")
        shown += [
            (self.label(name), str(value))
            for name, value in approval.content.items()
            if name not in known and isinstance(value, str | int)
        ]
        return shown

    def due(self, task: Task, now: datetime) -> Status:
        """How urgent a task is."""
        if task.paused_since is not None:
            return Status(self.words.text("the clock stands still"), Tone.NEUTRAL)
        if task.escalated_at is not None:
            return Status(self.words.text("escalated"), Tone.ERROR)
        if task.breached(now):
            return Status(self.words.text("late"), Tone.WARNING)
        return Status(self.words.text("in time"), Tone.WAITING)

    def refusal(self, code: str) -> str:
        """Why somebody who is asked may not decide."""
        return self.words.text(REFUSAL[code]) if code in REFUSAL else self.problem(code, code)

    def signature(self, signature: Signature) -> str:
        """What a stage asks for."""
        return self.words.text(SIGNATURE[signature]) if SIGNATURE[signature] else ""

    def trust(self, kind: TrustKind) -> str:
        """What a record of trust is about."""
        return self.words.text(TRUST[kind])

    def signature_facts(self, said: Mapping[str, Any], zone: str) -> list[tuple[str, str]]:
        """What was checked of a signature, as labelled values."""
        text = self.words.text
        lists = text("Not checked: there is no current revocation list for every certificate.")
        if said["revocation"] == "good":
            lists = text("Not revoked, by the lists that were handed in.")
        signed_at = text("none")
        if said["signed_at"]:
            signed_at = self.words.formats.instant(parse_instant(said["signed_at"]), zone)
        return [
            (text("Signer"), str(said["signer"])),
            (text("Issued by"), str(said["issuer"])),
            (text("Form"), f"{said['profile']} · {said['algorithm']}"),
            (text("Time the signer claims"), signed_at),
            (text("Revocation"), lists),
            (text("Certificate"), f"{said['certificate'][:16]}…"),
        ]

    def signatures(self, approval: Approval, zone: str) -> list[tuple[str, list[tuple[str, str]]]]:
        """Signatures of persons that decisions carry, with who decided."""
        return [
            (self.who(vote.by), self.signature_facts(vote.signature, zone))
            for task in approval.tasks
            for vote in task.votes
            if vote.signature.get("level") == "qualified"
        ]

    def outcome(self, outcome: str) -> Status:
        """A vote."""
        approve = outcome == "approve"
        word = self.words.text("approved") if approve else self.words.text("rejected")
        return Status(word, Tone.OK if approve else Tone.ERROR)

    def steps(self, approval: Approval) -> list[Step]:
        """The chain as a path."""
        current = approval.task
        return [
            Step(
                self.level(stage.level),
                StepState.DONE
                if number in approval.standing
                else StepState.CURRENT
                if current is not None and current.stage == number
                else StepState.PENDING,
                ", ".join(self.who(name) for name in approval.standing.get(number, ())) or None,
            )
            for number, stage in enumerate(approval.chain.stages)
        ]

    def entries(self, lines: Sequence[HistoryLine], approval: Approval) -> list[TimelineEntry]:
        """The history, newest first, with the words of those who decided."""
        reasons = {
            (task.id, vote.by): vote.reason for task in approval.tasks for vote in task.votes
        }
        found = []
        for line in reversed(lines):
            word, tone = ACTION.get(line.action, (mark("Changed"), Tone.NEUTRAL))
            detail = line.detail
            said = []
            if detail.get("level"):
                said.append(self.level(str(detail["level"])))
            if detail.get("round", 1) != 1:
                said.append(self.words.text("round %(round)s", round=detail["round"]))
            if detail.get("on_behalf_of"):
                name = self.who(str(detail["on_behalf_of"]))
                said.append(self.words.text("on behalf of %(name)s", name=name))
            reason = reasons.get((str(detail.get("task")), line.actor), "")
            found.append(
                TimelineEntry(
                    self.words.text(word),
                    at=self.at(line.at),
                    actor=self.who(line.actor),
                    tone=tone,
                    detail=" · ".join([*said, *([f"“{reason}”"] if reason else [])]) or None,
                )
            )
        return found

    def lasted(self, length: timedelta) -> str:
        """A duration."""
        return self.words.formats.age(int(length.total_seconds()))

    def outcome_name(self, status: str) -> str:
        """A final state as a word."""
        return self.status(ApprovalStatus(status)).label
