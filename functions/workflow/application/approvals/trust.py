"""What a company trusts when it checks signatures of persons: recorded and ended, never edited."""

from dataclasses import replace
from datetime import date

from kernel.clock import local_date
from kernel.errors import ConflictError, Problem, ValidationError
from kernel.ids import derived_id
from kernel.storing import WriteRefusedError
from workflow.application.approvals.context import ApprovalScope
from workflow.application.context import ZONE
from workflow.domain.approvals.chain import USER
from workflow.domain.approvals.signing import (
    Identity,
    Trust,
    TrustKind,
    trusted_on,
)
from workflow.ports import ApprovalsUnit


class RecordTrust:
    """Trust an authority, take its revocation list, or say whose certificate is whose.

    Raises: what reading raises; ConflictError("trust_known") for what counts already,
    ("list_older") for a list older than the one that is there.
    """

    def __init__(self, scope: ApprovalScope) -> None:
        self._scope = scope

    def anchor(
        self, certificate: bytes, valid_from: date | None, valid_to: date | None, note: str
    ) -> Trust:
        """An authority from ``valid_from`` (today) to before ``valid_to`` (the end of the
        certificate).
        """
        scope = self._scope
        facts = scope.signatures().authority(certificate)
        return self._add(
            Trust(
                id=scope.rules.ids.new(),
                kind=TrustKind.ANCHOR,
                label=facts.name,
                fingerprint=facts.fingerprint,
                valid_from=valid_from or scope.rules.today,
                valid_to=valid_to or local_date(facts.not_after, ZONE),
                data=facts.data,
                note=note,
            )
        )

    def signer(
        self,
        person: str,
        identity: Identity,
        valid_from: date | None,
        valid_to: date | None,
        note: str,
    ) -> Trust:
        """The user whose certificates carry this identity; only its keyed hash is kept."""
        scope = self._scope
        if not person.startswith(USER):
            problem = Problem("/person", "required", "Name a person.")
            raise ValidationError("invalid_input", "Some fields are wrong.", problems=[problem])
        return self._add(
            Trust(
                id=scope.rules.ids.new(),
                kind=TrustKind.SIGNER,
                label=identity.masked,
                fingerprint=scope.identity_digest(identity.kind.value, identity.text),
                valid_from=valid_from or scope.rules.today,
                valid_to=valid_to,
                person=person,
                note=note,
            )
        )

    def _add(self, made: Trust) -> Trust:
        scope = self._scope
        for known in scope.store.trust():
            same = known.kind is made.kind and known.fingerprint == made.fingerprint
            if same and known.counts_on(scope.rules.today):
                raise ConflictError("trust_known", "This is recorded already.")
        unit = scope.store.unit()
        unit.add_trust(made)
        unit.commit()
        return scope.store.one_trust(made.id)

    def revocations(self, data: bytes) -> Trust:
        """The list of an authority; a newer one takes the place of the one before."""
        scope = self._scope
        anchors = trusted_on(scope.store.trust(), scope.rules.today).anchors
        facts = scope.signatures().revocations(data, anchors)
        identity = derived_id(f"revocations/{scope.rules.tenant_id}/{facts.fingerprint}")
        made = Trust(
            id=identity,
            kind=TrustKind.REVOCATIONS,
            label=facts.issuer,
            fingerprint=facts.fingerprint,
            valid_from=local_date(facts.made_at, ZONE),
            data=facts.data,
            list_ends_at=facts.ends_at,
        )
        known = next((each for each in scope.store.trust() if each.id == identity), None)
        unit = scope.store.unit()
        if known is None:
            unit.add_trust(made)
        elif known.data == made.data and known.state is made.state:
            return known
        elif made.valid_from < known.valid_from:
            raise ConflictError("list_older", "A newer list of this authority is there already.")
        else:
            unit.save_trust(known, replace(made, stamp=known.stamp), "trust.replaced")
        _commit(unit)
        return scope.store.one_trust(identity)


class EndTrust:
    """Stop trusting something from now on; what was checked before stays as it was."""

    def __init__(self, scope: ApprovalScope) -> None:
        self._scope = scope

    def __call__(self, trust_id: str) -> Trust:
        """Raises: NotFoundError; ConflictError("trust_ended")."""
        store = self._scope.store
        before = store.one_trust(trust_id)
        unit = store.unit()
        unit.save_trust(before, before.ended(), "trust.ended")
        _commit(unit)
        return store.one_trust(trust_id)


def _commit(unit: ApprovalsUnit) -> None:
    try:
        unit.commit()
    except WriteRefusedError as error:
        raise ConflictError("conflict", "Somebody changed this at the same time.") from error
