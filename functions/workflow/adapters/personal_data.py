"""What workflow holds about people, as data: the field register of this context.

Facts of rules and subjects have no fixed names, so a subject is found by the values it holds, and
every such value is a part of its own. Personal facts of decisions are sealed by KMS for one
decision and end with it; what is archived is masked.
"""

from typing import Final

from kernel.personal_data import (
    Basis,
    Datum,
    Expiring,
    Ground,
    Holding,
    PersonalField,
    Register,
    kept_for,
)
from toolkit.aws.personal_records import Codec
from workflow.adapters.rows import pack, unpack

ANSWERED: Final = "workflow.PrivacyAnswered.v1"
_READ: Final = ("workflow:subject:read",)
_TEN_YEARS: Final = kept_for(120, "6098 art. 146")
_SUBJECTS: Final = Ground("processes_about_subjects", Basis.CONTRACT, _TEN_YEARS, _READ)
_DECISIONS: Final = Ground(
    "decisions_by_rule", Basis.CLAIMS, _TEN_YEARS, ("workflow:decision:read",)
)
_APPROVALS: Final = Ground("approvals", Basis.CLAIMS, _TEN_YEARS, ("workflow:approval:read",))
_KINDS: Final = (Datum.NUMBER, Datum.EMAIL, Datum.PHONE)

REGISTER: Final = Register(
    context="workflow",
    prefix="wfl",
    holdings=(
        Holding(
            "subject",
            _SUBJECTS,
            (PersonalField("label", Datum.NAME, ""),),
            found_by=tuple(("facts!{}[][1]", what) for what in _KINDS),
            living=frozenset({"known"}),
        ),
        *(
            Holding("subject", _SUBJECTS, (PersonalField("[1]", what),), part="facts!{}[]")
            for what in _KINDS
        ),
    ),
    expiring=(
        Expiring("sealed_facts_of_decisions", _DECISIONS, (("facts", Datum.TEXT),), "core", 400),
        Expiring(
            "words_of_colleagues_in_approvals", _APPROVALS, (("remark", Datum.TEXT),), "core", 3653
        ),
        # Evidence of a decision: the certificate in it names whoever signed.
        Expiring(
            "signatures_of_decisions",
            _APPROVALS,
            (("name in the certificate", Datum.NAME), ("number in the certificate", Datum.NUMBER)),
            "core",
            3653,
        ),
    ),
    impersonal={
        "name": "of a colleague beside what was decided: evidence, see the register",
        "names": "titles of a stage",
        "person": "opaque id of a colleague",
        "note": "words of a colleague: evidence, see the register",
        "author": "opaque id of a colleague",
        "document": "a packed document; people in it are opaque ids",
        "content": "packed content of a process or decision; personal facts are sealed apart",
        "content_hash": "a hash",
        "facts": "values are registered one by one; personal ones of decisions are sealed",
        "inputs": "inputs of a step by its definition; shipped definitions name no person",
        "inputs_hash": "a hash",
        "sealed": "facts sealed by KMS: see the register",
        "data": "facts of a proposal by its rule",
        "reason": "a code",
        "reason_codes": "codes",
        "title": "words of a rule",
        "escalate_to": "opaque ids of colleagues",
        "valid_to": "a date",
        "number": "number of a stage or task",
        "signature": "a kept signature: evidence, see the register",
        "fingerprint": "a hash, of an identity a keyed one",
    },
)
"""The field register of workflow."""

PACKED: Final = Codec(pack=pack, unpack=unpack)
"""How facts are packed here."""
