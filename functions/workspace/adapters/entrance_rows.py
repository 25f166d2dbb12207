"""Second factors, steps of signing in, devices and sessions as stored rows, and the part of a unit
of work that writes them.

``core``: ``wsp#SYS#PERSON#<id>`` / ``FACTOR``, ``wsp#SYS#SUBJECT#<hash>`` / ``META``. ``edge``, all
expiring: ``wsp#SYS#SESS#<hash>``, ``…#SESSIONS#<person>``, ``…#STEP#<hash>``,
``…#STEP-CODE#<hash>`` / ``<attempt>``, ``…#DEVICE#<hash>``.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from toolkit.aws.dynamodb import absent, equals
from toolkit.aws.rows import moment
from toolkit.aws.transactions import Transaction
from toolkit.aws.unit_of_work import META, entity_key
from workspace.adapters.entity_writes import SYSTEM, UnitParts
from workspace.adapters.rows import session_row
from workspace.domain.second_factor import (
    STEP_LIFETIME,
    FactorState,
    SecondFactor,
    SignInStep,
    StepMethod,
)
from workspace.domain.session import Session

FACTOR: Final = "FACTOR"
_DAY: Final = 86_400


def factor_from(row: Mapping[str, Any]) -> SecondFactor:
    """The second factor behind a row."""
    return SecondFactor(
        state=FactorState(row["state"]),
        sealed=bytes(row["sealed"]),
        secret_version=row["secret_version"],
        last_step=row["last_step"],
        recovery=tuple(row["recovery"]),
        confirmed_at=row["confirmed_at"],
        version=row["version"],
    )


def step_from(digest: str, row: Mapping[str, Any]) -> SignInStep:
    """The step behind a row."""
    return SignInStep(
        digest=digest,
        person_id=row["person_id"],
        epoch=row["epoch"],
        method=StepMethod(row["method"]),
        expires_at=datetime.fromisoformat(row["expires_at"]),
        used=row["used"],
    )


def step_key(digest: str) -> str:
    """Key of a step."""
    return SYSTEM.key("STEP", digest)


def step_code_key(step_digest: str) -> str:
    """Key of the codes mailed for a step."""
    return SYSTEM.key("STEP-CODE", step_digest)


def device_key(digest: str) -> str:
    """Key of a device."""
    return SYSTEM.key("DEVICE", digest)


def session_key(digest: str) -> str:
    """Key of a session."""
    return SYSTEM.key("SESS", digest)


def put_session(transaction: Transaction, session: Session) -> None:
    """Add a session and its line in the list of its owner."""
    row = {"pk": session_key(session.digest), "sk": "-", **session_row(session)}
    transaction.put_new("edge", row, label="session")
    entry = {
        "pk": SYSTEM.key("SESSIONS", session.person_id),
        "sk": f"{row['created_at']}#{session.digest[:16]}",
        "digest": session.digest,
        "created_at": row["created_at"],
        "device": session.device,
        "ttl": row["ttl"],
    }
    transaction.put_new("edge", entry, label="session_entry")


def subject_key(subject: str) -> str:
    """Key of an account of the identity provider."""
    return SYSTEM.key("SUBJECT", subject)


class EntranceWrites(UnitParts):
    """``WorkspaceUnit``, as far as it is about the way in."""

    def link_subject(self, subject: str, person_id: str) -> None:
        row = {"pk": subject_key(subject), "sk": META, "person_id": person_id}
        self._system.transaction.put_new("core", row, label="subject")

    def add_session(self, session: Session) -> None:
        put_session(self._system.transaction, session)

    def add_step(self, step: SignInStep) -> None:
        row = {
            "pk": step_key(step.digest),
            "sk": "-",
            "person_id": step.person_id,
            "epoch": step.epoch,
            "method": step.method.value,
            "expires_at": moment(step.expires_at),
            "used": step.used,
            "ttl": int(step.expires_at.timestamp()) + _DAY,
        }
        self._system.transaction.put_new("edge", row, label="step")

    def use_step(self, step: SignInStep) -> None:
        self._system.transaction.update(
            "edge",
            step_key(step.digest),
            "-",
            assign={"used": True},
            when=equals("used", False),
            label="step",
        )

    def add_step_code(self, step_digest: str, attempt_id: str, code_digest: str) -> None:
        row = {
            "pk": step_code_key(step_digest),
            "sk": attempt_id,
            "code": code_digest,
            "ttl": int((self._system.now + STEP_LIFETIME).timestamp()) + _DAY,
        }
        self._system.transaction.put_new("edge", row, label="step_code")

    def add_device(self, digest: str, person_id: str, until: datetime) -> None:
        row = {
            "pk": device_key(digest),
            "sk": "-",
            "person_id": person_id,
            "expires_at": moment(until),
            "ttl": int(until.timestamp()),
        }
        self._system.transaction.put_new("edge", row, label="device")

    def save_second_factor(
        self, person_id: str, before: SecondFactor | None, after: SecondFactor
    ) -> None:
        self._system.transaction.update(
            "core",
            entity_key(SYSTEM, "person", person_id),
            FACTOR,
            assign={
                "state": after.state.value,
                "sealed": after.sealed,
                "secret_version": after.secret_version,
                "last_step": after.last_step,
                "recovery": list(after.recovery),
                "confirmed_at": after.confirmed_at,
                "version": after.version,
            },
            when=absent() if before is None else equals("version", before.version),
            label="second_factor",
        )
