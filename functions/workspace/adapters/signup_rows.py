"""Sign-ups as stored rows, and the part of a unit of work that writes them.

A row holds no identity number: the pair by which somebody signs in later is a keyed hash, and what
is shown of the number is its mask.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from kernel.sensitive import Email
from toolkit.aws.rows import moment, stamp_of
from workspace.adapters.entity_writes import SYSTEM, UnitParts, change_entity, create_entity
from workspace.domain.signup import Signup, SignupState

_RANK: Final = {SignupState.REQUESTED: "2", SignupState.APPROVED: "1", SignupState.REJECTED: "0"}


def signup_prefix(state: SignupState) -> str:
    """Beginning of the sort position of sign-ups of one state; waiting ones sort last."""
    return f"{_RANK[state]}#"


def signup_row(signup: Signup) -> dict[str, Any]:
    """Attributes of a sign-up."""
    return {
        "company": signup.company,
        "tax_no": signup.tax_no,
        "name": signup.name,
        "email": signup.email.reveal("store"),
        "language": signup.language,
        "accountant_no": signup.accountant_no,
        "numbers": signup.numbers,
        "national_id_masked": signup.national_id_masked,
        "agreement": signup.agreement,
        "agreement_language": signup.agreement_language,
        "agreement_sha256": signup.agreement_sha256,
        "accepted_at": moment(signup.accepted_at),
        "accepted_from": signup.accepted_from,
        "tenant_id": signup.tenant_id,
        "person_id": signup.person_id,
        "note": signup.note,
    }


def signup_from(row: Mapping[str, Any]) -> Signup:
    """The sign-up behind a row."""
    return Signup(
        id=row["id"],
        company=row["company"],
        tax_no=row["tax_no"],
        name=row["name"],
        email=Email(row["email"]),
        language=row["language"],
        accountant_no=row["accountant_no"],
        numbers=row["numbers"],
        national_id_masked=row["national_id_masked"],
        agreement=row["agreement"],
        agreement_language=row["agreement_language"],
        agreement_sha256=row["agreement_sha256"],
        accepted_at=datetime.fromisoformat(row["accepted_at"]),
        accepted_from=row["accepted_from"],
        state=SignupState(row["state"]),
        tenant_id=row["tenant_id"],
        person_id=row["person_id"],
        note=row["note"],
        stamp=stamp_of(row),
    )


class SignupWrites(UnitParts):
    """``WorkspaceUnit``, as far as it is about sign-ups."""

    def add_signup(self, signup: Signup) -> Signup:
        row = signup_row(signup) | {
            "by_pk": SYSTEM.key("SIGNUPS"),
            "by_sk": signup_prefix(signup.state) + signup.id,
        }
        stamp = create_entity(
            self._system,
            "signup",
            signup.id,
            row,
            "signup.requested",
            signup.state.value,
            agreement=signup.agreement,
        )
        return replace(signup, stamp=stamp)

    def save_signup(self, before: Signup, after: Signup, action: str) -> Signup:
        stamp = change_entity(
            self._system,
            "signup",
            after.id,
            (before.state.value, before.stamp),
            action,
            after.state.value,
            signup_row(after) | {"by_sk": signup_prefix(after.state) + after.id},
            detail={"tenant_id": after.tenant_id},
        )
        return replace(after, stamp=stamp)

    def reserve_numbers(self, numbers: str, person_id: str) -> None:
        self._system.unique("NUMBERS", numbers, owner=person_id)
