"""Machine 5 (reliability.md §13): a window, changing addresses, faults and reports in any order.

The world is one company with two counterparties over the real handlers; the model is a plain log of
what the mail service took. After every step I-20 and I-21 hold.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from kernel.mail_delivery import RANK, MailState
from kernel.mailing import MailResult
from tests.support.letters_world import PERIOD, LettersDesk
from tests.support.machine_runs import MachineInAWorld
from tests.support.reconciliation_builders import OTHER_VKN, VKN
from tests.support.reconciliation_world import reconciliation_world

ADDRESSES: Final = ("bir@a.example", "iki@b.example", "uc@c.example")
CODES: Final = {"120.1": VKN, "120.2": OTHER_VKN}
PERMANENT: Final = {"bounce": {"bounceType": "Permanent"}}
WINDOW_ENDS: Final = 8
EVENTS: Final = {"Delivery": "delivered", "Open": "opened", "Bounce": "bounced"}


class MailingMachine(MachineInAWorld):
    """Steps of people, schedules and the mail service."""

    def __init__(self) -> None:
        super().__init__()
        made = reconciliation_world(self.aws, self.platform, self.clock)
        self.world = self.stack.enter_context(made)
        self.desk = LettersDesk(self.world)
        self.cards: dict[str, dict[str, Any]] = {}
        self.silent: set[str] = set()
        self.told: dict[str, set[str]] = {}
        self.runs = 0

    @initialize()
    def company(self) -> None:
        self.desk.settings(automatic=True, ends_day=WINDOW_ENDS, reminder_days=[])
        self.desk.text()
        for (code, number), address in zip(CODES.items(), ADDRESSES, strict=False):
            self.cards[code] = self.world.counterparty(code, tax_no=number, emails=[address])
        self.desk.books(*CODES)

    # -------------------------------------------------------------- steps

    @rule()
    def minute(self) -> None:
        """The schedule, and everything that follows from it."""
        self._taking(self.desk.minute)

    @rule(hours=st.sampled_from((1, 3, 30)))
    def time_passes(self, hours: int) -> None:
        self.clock.advance(timedelta(hours=hours))

    @rule()
    def somebody_sends(self) -> None:
        self.runs += 1
        self._taking(lambda: self.desk.mailed(f"run-{self.runs}"))

    @rule(results=st.lists(st.sampled_from(tuple(MailResult)), max_size=3))
    def the_service_will_answer(self, results: list[MailResult]) -> None:
        self.desk.post.results = list(results)

    @rule(code=st.sampled_from(tuple(CODES)), address=st.sampled_from(ADDRESSES))
    def an_address_changes(self, code: str, address: str) -> None:
        card = self.world.call("GET", f"/counterparties/{self.cards[code]['id']}").json()
        body = {
            "code": code,
            "title": card["title"],
            "tax_no": CODES[code],
            "emails": [address],
        }
        answer = self.world.call(
            "PUT",
            f"/counterparties/{card['id']}",
            body,
            headers={"if-match": str(card["version"])},
        )
        assert answer.status == 200, answer.body

    @rule(event=st.sampled_from((*EVENTS, "Complaint")), number=st.integers(0, 5))
    def the_service_reports(self, event: str, number: int) -> None:
        """In any order, as often as it likes, also of mails nobody knows to have left."""
        if not self.desk.post.taken:
            return
        mail_id, address = self.desk.post.taken[number % len(self.desk.post.taken)]
        row = self._mail(mail_id)
        before = MailState(row["state"])
        self.desk.report(
            mail_id,
            event,
            message_id=row["provider_id"] or "m-x",
            **(PERMANENT if event == "Bounce" else {}),
        )
        after = MailState(self._mail(mail_id)["state"])
        assert RANK[after] >= RANK[before] or before is MailState.QUEUED
        self.told.setdefault(mail_id, set()).add(event)
        if event in ("Bounce", "Complaint"):
            self.silent.add(address)

    # -------------------------------------------------------------- what holds

    def _mail(self, mail_id: str) -> dict[str, Any]:
        return next(row for row in self._mails() if row["id"] == mail_id)

    def _mails(self) -> list[dict[str, Any]]:
        rows = self.world.aws.rows("core")
        return [row for row in rows if row.get("kind") == "letter_mail"]

    def _taking(self, step: Any) -> None:
        """A step that may send: nothing goes to a silent address (I-20)."""
        before = len(self.desk.post.taken)
        step()
        today = self.clock.now().date()
        rows = {row["id"]: row for row in self._mails()}
        for mail_id, address in self.desk.post.taken[before:]:
            assert address not in self.silent
            row = rows[mail_id]
            assert today.isoformat() <= row["until"]
            assert not row["automatic"] or today.day <= WINDOW_ENDS

    @invariant()
    def each_mail_at_most_once_and_one_repetition(self) -> None:
        """I-20: by mail, and so by month, counterparty, kind and address."""
        resends = {row["id"]: row["resends"] for row in self._mails()}
        for mail_id, number in Counter(name for name, _ in self.desk.post.taken).items():
            assert number <= 1 + resends[mail_id] <= 2
        seen = Counter((row["letter_id"], row["mail_kind"], row["to"]) for row in self._mails())
        assert all(number == 1 for number in seen.values())

    @invariant()
    def reports_join(self) -> None:
        """I-21: the state is the strongest report, whatever came when."""
        for mail_id, told in self.told.items():
            state = self._mail(mail_id)["state"]
            if "Complaint" in told:
                assert state == "complained"
            elif "Bounce" in told:
                assert state == "bounced"
            elif "Open" in told:
                assert state == "opened"

    @invariant()
    def letters_and_board_say_the_same(self) -> None:
        """A letter knows where its mails stand, and the counters count letters."""
        rows = self.world.aws.rows("core")
        mails = {row["id"]: row["state"] for row in self._mails()}
        letters = [row for row in rows if row.get("kind") == "letter"]
        for row in letters:
            for mail_id, (_, _, state, _) in row["mails"].items():
                if mails[mail_id] != "sending":
                    assert state in (mails[mail_id], "queued"), (state, mails[mail_id])
        board = [row for row in rows if "#LETTER-BOARD#" in row["pk"]]
        for state in {row["state"] for row in letters}:
            counted = sum(row.get(f"{state}_n", 0) for row in board)
            assert counted == sum(row["state"] == state for row in letters)

    @invariant()
    def waiting_mails_are_due(self) -> None:
        """I-13: what waits has a time at which it is looked at again."""
        for row in self._mails():
            if row["state"] in ("queued", "sending"):
                assert "due_sk" in row, PERIOD
