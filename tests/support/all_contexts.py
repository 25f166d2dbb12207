"""All contexts over one AWS world: for what is only seen when they are together."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kernel.clock import FixedClock
from tests.support.aws import AwsWorld
from tests.support.builders import WorkspaceWorld, workspace_world
from tests.support.cards_world import CardsWorld, cards_world
from tests.support.payment_world import PaymentWorld, payment_world
from tests.support.pensions_desk import Desk, open_desk
from tests.support.reconciliation_world import ReconciliationWorld, reconciliation_world
from tests.support.rules_world import RulesWorld, rules_world
from toolkit.platform import Platform


@dataclass
class AllContexts:
    """One world of each context."""

    desk: Desk
    workspace: WorkspaceWorld
    payments: PaymentWorld
    cards: CardsWorld
    rules: RulesWorld
    books: ReconciliationWorld


@contextmanager
def all_contexts(
    aws: AwsWorld,
    platform: Platform,
    clock: FixedClock,
    folder: Path,
    insurers: Sequence[str] = (),
) -> Iterator[AllContexts]:
    """The applications of all contexts on one platform, with the named insurers running."""
    with (
        workspace_world(aws, platform, clock) as workspace,
        open_desk(aws, platform, clock, folder, insurers) as desk,
        payment_world(aws, platform, clock) as payments,
        cards_world(aws, platform, clock) as cards,
        rules_world(aws, platform, clock) as rules,
        reconciliation_world(aws, platform, clock) as books,
    ):
        yield AllContexts(desk, workspace, payments, cards, rules, books)
