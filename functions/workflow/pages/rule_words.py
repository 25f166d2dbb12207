"""Words of rules: states, findings with their witnesses, outcomes, differences."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from kernel.why import Why
from webkit.components import Status, Tone
from webkit.i18n import Language, mark
from workflow.domain.rules.analysis import Analysis, Overlap, Unbound
from workflow.domain.rules.evaluation import VALID_ON, Outcome
from workflow.domain.rules.facts import Fact, FactType, plain
from workflow.domain.rules.scope import COMPANY, DEFAULT
from workflow.domain.rules.table import HitPolicy, Table
from workflow.domain.rules.versions import VersionStatus
from workflow.pages.words import Say

# Message contexts of what the packs name: facts and outputs, and the members of their enums.
_FACT: Final = "fact"
_CHOICE: Final = "choice"

STATUS: Final[Mapping[VersionStatus, tuple[str, Tone]]] = {
    VersionStatus.DRAFT: (mark("draft"), Tone.NEUTRAL),
    VersionStatus.REVIEW: (mark("waits for publication"), Tone.WAITING),
    VersionStatus.PUBLISHED: (mark("published"), Tone.OK),
    VersionStatus.RETIRED: (mark("retired"), Tone.NEUTRAL),
    VersionStatus.WITHDRAWN: (mark("put aside"), Tone.NEUTRAL),
}
OUTCOME: Final[Mapping[Outcome, tuple[str, Tone]]] = {
    Outcome.DECIDED: (mark("decided by rows"), Tone.OK),
    Outcome.DEFAULT: (mark("no row holds: the default"), Tone.WARNING),
    Outcome.NO_RULE: (mark("no row holds"), Tone.WARNING),
}
POLICY: Final[Mapping[HitPolicy, str]] = {
    HitPolicy.UNIQUE: mark("Exactly one row may hold"),
    HitPolicy.ANY: mark("Several rows may hold if they say the same"),
    HitPolicy.PRIORITY: mark("The row with the best priority counts"),
    HitPolicy.FIRST: mark("The first row that holds counts"),
    HitPolicy.RULE_ORDER: mark("All rows that hold, in order"),
    HitPolicy.COLLECT: mark("All rows that hold"),
    HitPolicy.COLLECT_SUM: mark("The sum of all rows that hold"),
    HitPolicy.COLLECT_MIN: mark("The smallest of all rows that hold"),
    HitPolicy.COLLECT_MAX: mark("The largest of all rows that hold"),
    HitPolicy.COLLECT_COUNT: mark("The number of rows that hold"),
}
SCOPE: Final[Mapping[str, str]] = {
    DEFAULT: mark("everybody, as shipped"),
    COMPANY: mark("the company"),
    "region": mark("region %(name)s"),
    "group": mark("group %(name)s"),
    "subscriber": mark("subscriber %(name)s"),
}
EXTRA: Final[Mapping[str, str]] = {
    "id": mark("Row"),
    "valid_from": mark("Valid from"),
    "valid_to": mark("Valid until before"),
    "priority": mark("Priority"),
    "legal_ref": mark("Where the law says so"),
    "reason_code": mark("Code of the reason"),
    "reason_tr": mark("Reason in Turkish"),
    "reason_el": mark("Reason in Greek"),
    "reason_en": mark("Reason in English"),
    "error": mark("Refuse with the code"),
    "facts": mark("Facts"),
    "derived": mark("Derived facts"),
    "columns": mark("Columns"),
    "outputs": mark("Outputs"),
    "hit_policy": mark("What counts when rows hold"),
    "complete": mark("Every case must have a row"),
    "default": mark("Default"),
}
TYPE: Final[Mapping[FactType, str]] = {
    FactType.MONEY: mark("amount"),
    FactType.DECIMAL: mark("decimal number"),
    FactType.NUMBER: mark("number"),
    FactType.INT: mark("whole number"),
    FactType.DATE: mark("date"),
    FactType.DATETIME: mark("date and time, such as 2026-01-31T09:00:00Z"),
    FactType.BOOL: mark("yes or no"),
    FactType.ENUM: mark("choice"),
    FactType.TEXT: mark("text"),
    FactType.LIST: mark("list with commas, or JSON"),
    FactType.ANY: mark("anything"),
}
ACTION: Final[Mapping[str, str]] = {
    "drafted": mark("Draft written"),
    "submitted": mark("Handed over for publication"),
    "published": mark("Published"),
    "retired": mark("Taken out of force"),
    "withdrawn": mark("Put aside"),
}
MARK: Final[Mapping[str, tuple[str, Tone]]] = {
    "SOURCE": (mark("from the source"), Tone.OK),
    "CONFIRMED": (mark("confirmed"), Tone.OK),
    "UNVERIFIED": (mark("not verified"), Tone.WARNING),
    "DESIGN": (mark("our assumption"), Tone.NEUTRAL),
}


class RuleSay(Say):
    """The words of rules in one language, for one reader (``actor``)."""

    def __init__(self, words: Language, actor: str = "") -> None:
        super().__init__(words)
        self._actor = actor

    def who(self, actor: str) -> str:
        """Who did something. Names of people live in another context: the end of the id tells two
        apart.
        """
        kind, _, identity = actor.partition(":")
        if actor == self._actor:
            return self.words.text(mark("you"))
        if kind == "system":
            return self.words.text(mark("the product"))
        said = mark("API key …%(id)s") if kind == "key" else mark("colleague …%(id)s")
        return self.words.text(said, id=identity[-4:])

    def action(self, action: str) -> str:
        """One line of the history of a version: ``rule_version.drafted``, for one."""
        done = action.rpartition(".")[2]
        return self.words.text(ACTION[done]) if done in ACTION else self.name(action)

    def status(self, status: VersionStatus) -> Status:
        """Where a version stands."""
        label, tone = STATUS[status]
        return Status(self.words.text(label), tone)

    def outcome(self, outcome: Outcome) -> Status:
        """How a result came about."""
        label, tone = OUTCOME[outcome]
        return Status(self.words.text(label), tone)

    def policy(self, policy: HitPolicy) -> str:
        """What becomes of the rows that hold."""
        return self.words.text(POLICY[policy])

    def certainty(self, name: str) -> Status | None:
        """How sure a shipped value is; nothing for a company's own."""
        if name not in MARK:
            return None
        label, tone = MARK[name]
        return Status(self.words.text(label), tone)

    def scope(self, scope: str) -> str:
        """For whom something counts."""
        kind, _, name = scope.partition(":")
        return self.words.text(SCOPE[kind], name=name) if name else self.words.text(SCOPE[kind])

    def name(self, name: str) -> str:
        """A fact or output as it is spoken of; one of a company's own table by its own name."""
        if self.words.knows(_FACT, name):
            return self.words.sentence(_FACT, name)
        return name.replace("_", " ")

    def choice(self, value: str) -> str:
        """A member of an enum as it is spoken of."""
        return self.words.sentence(_CHOICE, value)

    def column(self, name: str) -> str:
        """A column of a trace; the validity of a row counts as one."""
        if name == VALID_ON:
            return self.words.text(mark("validity of the row"))
        return self.name(name)

    def why(self, why: Why) -> str:
        """A reason as a sentence, with facts and choices as they are spoken of."""
        params = dict(why.params)
        if "column" in params:
            params |= {"column": self.column(str(params["column"]))}
            params |= {"value": self.value(params["value"])}
        return super().why(Why(why.key, params))

    def place(self, place: str) -> str:
        """A place of a row: a column, an output or what else a row says."""
        if place.startswith("? "):
            return self.words.text(mark("If: %(name)s"), name=self.name(place[2:]))
        if place.startswith("→ "):
            return self.words.text(mark("Then: %(name)s"), name=self.name(place[2:]))
        return self.words.text(EXTRA[place]) if place in EXTRA else self.name(place)

    def value(self, value: Any) -> str:
        """A fact, an output or a parameter as text."""
        if value is None:
            return self.words.text(mark("nothing"))
        if isinstance(value, bool):
            return self.words.text(mark("yes")) if value else self.words.text(mark("no"))
        if isinstance(value, list | tuple):
            return ", ".join(map(self.value, value)) or self.words.text(mark("none"))
        if isinstance(value, Mapping):
            return self.facts(value)
        if isinstance(value, str):
            return self.choice(value)
        return str(plain(value)) if isinstance(value, Decimal) else str(value)

    def facts(self, facts: Mapping[str, Any]) -> str:
        """Facts in a row: a witness, or what a difference was about."""
        said = [
            self.words.text(mark("on %(day)s"), day=value)
            if name == VALID_ON
            else f"{self.name(name)} = {self.value(value)}"
            for name, value in facts.items()
        ]
        return ", ".join(said) or self.words.text(mark("anything"))

    def result(self, result: Any) -> str:
        """What was decided, or why nothing was."""
        if result is None:
            return self.words.text(mark("no decision"))
        if isinstance(result, Mapping) and set(result) == {"error"}:
            code = str(result["error"])
            return self.problem(code, code)
        return self.facts(result)

    def asked(self, fact: Fact) -> str:
        """What a fact is, for the person who types it."""
        said = self.words.text(TYPE[fact.type])
        if fact.items:
            parts = ", ".join(self.words.text(TYPE[item.type]) for item in fact.items)
            said = f"{said}: {parts}"
        if fact.low is not None and fact.high is not None:
            low, high = plain(fact.low), plain(fact.high)
            said += self.words.text(mark(", from %(low)s to %(high)s"), low=low, high=high)
        elif fact.low is not None:
            said += self.words.text(mark(", at least %(low)s"), low=plain(fact.low))
        elif fact.high is not None:
            said += self.words.text(mark(", at most %(high)s"), high=plain(fact.high))
        if fact.nullable:
            said += self.words.text(mark("; may be left empty"))
        if fact.personal:
            said += self.words.text(mark("; personal, shown nowhere"))
        return said

    def problem(self, code: str, message: str) -> str:
        """What is wrong; the English messages of the rules are the more precise ones."""
        return message if self.words.code == "en" and message else super().problem(code, message)

    # -------------------------------------------------------------- findings

    def refusals(self, table: Table, analysis: Analysis) -> list[str]:
        """Findings that forbid publication, with a witness each."""
        said = []
        if table.hit_policy.refuses_overlaps:
            said += [
                self.overlap(one)
                for one in analysis.overlaps
                if not (one.agrees and table.hit_policy is HitPolicy.ANY)
            ]
        if table.complete:
            said += [self.gap(witness) for witness in analysis.gaps]
        said += [self.unbound(one) for one in analysis.unbound if "[" not in one.parameter]
        if not analysis.finished:
            text = mark("The table is too large to be analysed to the end.")
            said.append(self.words.text(text))
        return said

    def warnings(self, table: Table, analysis: Analysis) -> list[str]:
        """Findings that a publisher should know and may accept."""
        text = self.words.text
        never = mark("The row %(row)s is never the first to hold: earlier rows cover it.")
        dead = mark("The row %(row)s can hold for nothing.")
        first = mark(
            "The meaning of this table depends on the order of its rows, which hides "
            "contradictions; prefer rows that exclude each other."
        )
        said = [text(never, row=row) for row in analysis.unreachable]
        said += [text(dead, row=row) for row in analysis.dead]
        said += [self.unbound(one) for one in analysis.unbound if "[" in one.parameter]
        if not table.complete and not table.hit_policy.collects and table.default is None:
            said += [self.gap(witness) for witness in analysis.gaps]
        if table.hit_policy is HitPolicy.FIRST:
            said.append(text(first))
        return said

    def overlap(self, found: Overlap) -> str:
        """Two rows that hold for the same facts."""
        same = mark("The rows %(first)s and %(second)s say the same for %(facts)s.")
        differ = mark("The rows %(first)s and %(second)s both hold for %(facts)s.")
        first, second = found.rows
        said = same if found.agrees else differ
        return self.words.text(said, first=first, second=second, facts=self.facts(found.witness))

    def gap(self, witness: Mapping[str, Any]) -> str:
        """Facts that no row holds for."""
        return self.words.text(mark("No row holds for %(facts)s."), facts=self.facts(witness))

    def unbound(self, found: Unbound) -> str:
        """A parameter without a fitting value."""
        text = mark("The row %(row)s needs the parameter %(name)s, which has no value on %(day)s.")
        day = self.words.formats.date(found.valid_on)
        return self.words.text(text, row=found.row, name=found.parameter, day=day)
