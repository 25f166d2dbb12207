"""Make a decision again, with what was known then (WFL-02)."""

from workflow.application.context import Scope
from workflow.domain.rules.record import Replay, replay


class ReplayDecision:
    """Decide again by the recorded version, date and knowledge, and compare the hashes.

    Raises: NotFoundError; KopruError("secret_unavailable") where the personal facts cannot be
    opened; whatever the decision itself raises.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, decision_id: str) -> Replay:
        scope = self._scope
        record = scope.store.decision(decision_id)
        version = scope.version(record.table, record.version_id)
        catalogue = scope.shipped.plus(parameters=scope.store.parameters())
        world = scope.world(catalogue, record.valid_on, record.known_on, record.scopes)
        return replay(record, version.table, world, scope.facts_of(record))
