"""Proof with many letters: 10,000 counterparties mailed in one window on a local stack.

``python -m bench.proof_10k_letters [--letters 10000]`` starts a local stack of its own, imports the
account cards and one paper invoice for each, turns the automatic mailing on while the window is
open, and waits until every letter is delivered. Then it reads the stack's inbox: every address has
exactly one mail, and each carries a PDF whose hash the letter remembers. It starts the month once
more by hand, which may add nothing. It writes ``build/bench/proof_10k_letters.json``; counts decide
whether the proof holds, seconds are for information.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench.stack import Company, ProofError, StackProcess
from infra.local.settings import ROOT
from kernel.errors import ParseError
from kernel.identifiers import vkn
from kernel.periods import Period

REPORT: Final = ROOT / "build" / "bench" / "proof_10k_letters.json"
BASE: Final = "/v1/reconciliation"
_FILE_ROWS: Final = 2_500
_STANDSTILL: Final = 600
"""Seconds without a single delivery after which the rest counts as not delivered."""
_TEXT: Final = {
    "language": "tr",
    "subject": "{period} Ba-Bs mutabakatı – {sender}",
    "opening": "{period} dönemi {their_form} bildiriminize konu belgeler aşağıdadır.",
    "request": "Kayıtlarınızla karşılaştırıp bize bildiriniz.",
    "closing": "Hata ve unutma müstesnadır.",
}


@dataclass(slots=True)
class Proof:
    """Everything that was measured."""

    letters: int
    seconds: dict[str, float] = field(default_factory=dict)
    mails: int = 0
    addresses_missing: int = 0
    addresses_twice: int = 0
    without_pdf: int = 0
    hash_differs: int = 0
    largest_pdf: int = 0
    not_delivered: int = 0
    added_by_second_run: int = 0

    @property
    def holds(self) -> bool:
        """Whether everybody got one mail with its own paper."""
        wrong = (
            self.addresses_missing
            + self.addresses_twice
            + self.without_pdf
            + self.hash_differs
            + self.not_delivered
            + self.added_by_second_run
        )
        return wrong == 0 and self.mails == self.letters


def numbers(count: int) -> Iterator[str]:
    """Valid tax numbers nobody has, in order."""
    found, candidate = 0, 9_000_000_000
    while found < count:
        candidate += 1
        try:
            yield vkn.parse(str(candidate))
        except ParseError:
            continue
        found += 1


def prove(letters: int, folder: Path) -> Proof:
    """Run the whole proof in a folder of its own. Raises: ProofError where a step does not end."""
    proof = Proof(letters)
    stack = StackProcess(folder)
    running = stack.start()
    try:
        key = str(stack.credentials()["operator_key"])
        company = Company.opened(running, key, "Kanıt Mutabakat A.Ş.")
        month = Period.of(datetime.now(UTC).date()).prev()
        _books(proof, company, month)
        _mailing(proof, company, month)
        _inbox(proof, company, month, folder)
        _again(proof, company, month)
        company.client.close()
    finally:
        stack.stop()
    return proof


def _books(proof: Proof, company: Company, month: Period) -> None:
    started = time.monotonic()
    all_numbers = list(numbers(proof.letters))
    tables: dict[str, list[str]] = {"counterparties": [], "ledger-entries": []}
    for number, tax_no in enumerate(all_numbers):
        code = f"120.{number:05d}"
        tables["counterparties"].append(
            f"{code};Çağrı Şölen {number} Ltd. Şti.;{tax_no};cari{number}@kanit.example"
        )
        tables["ledger-entries"].append(
            f"{code};FTR{number};15.{month.month:02d}.{month.year};fatura;satış;{5000 + number},25"
        )
    heads = {
        "counterparties": "Cari Kodu;Unvan;VKN;E-posta",
        "ledger-entries": "Cari Kodu;Belge No;Belge Tarihi;Tür;Yön;KDV Hariç Tutar",
    }
    for kind, rows in tables.items():
        jobs = []
        for start in range(0, len(rows), _FILE_ROWS):
            text = "\r\n".join([heads[kind], *rows[start : start + _FILE_ROWS]])
            upload = company.upload(f"{kind}-{start}.csv", "text/csv", text.encode())
            jobs.append(
                company.call("POST", f"{BASE}/{kind}/imports", {"upload_id": upload}).json()["id"]
            )
        for job in jobs:
            done = company.job(job, patience=7_200)
            if done["status"] != "succeeded":
                raise ProofError(f"{kind}: {done}")
    proof.seconds["books"] = round(time.monotonic() - started, 1)


def _mailing(proof: Proof, company: Company, month: Period) -> None:
    drafted = company.call("POST", f"{BASE}/letter-templates", _TEXT).json()
    company.call("POST", f"{BASE}/letter-templates/{drafted['id']}/approve")
    settings: dict[str, Any] = {
        "starts_day": 1,
        "ends_day": 31,
        "business_days_only": False,
        "automatic": True,
        "reminder_days": [],
        "sender_name": "Kanıt Mutabakat A.Ş.",
    }
    started = time.monotonic()
    company.ask("PUT", f"{BASE}/mailing-settings", settings, headers={"if-match": "0"})
    # Before nine in the morning of Istanbul the day's run is still to come: ask for it by hand.
    if datetime.now(UTC).hour < 6:
        company.command(f"{BASE}/periods/{month}/mailings", {"all": True})
    delivered, since = -1, time.monotonic()
    while True:
        board = company.call("GET", f"{BASE}/periods/{month}/letter-board").json()["items"]
        states = Counter({one["status"]: one["letters"] for one in board})
        if states["delivered"] != delivered:
            delivered, since = states["delivered"], time.monotonic()
        # How long all of it takes is the machine's affair; that nothing moves any more is not.
        if delivered == proof.letters or time.monotonic() - since > _STANDSTILL:
            break
        time.sleep(2)
    proof.not_delivered = proof.letters - states["delivered"]
    proof.seconds["mailing"] = round(time.monotonic() - started, 1)


def _inbox(proof: Proof, company: Company, month: Period, folder: Path) -> None:
    """The inbox is read in its file: ten thousand mails are no page."""
    hashes: set[str] = set()
    cursor = ""
    while True:
        page = company.call("GET", f"{BASE}/letters?period={month}&limit=200{cursor}").json()
        hashes |= {str(one["edition"]["sha256"]) for one in page["items"]}
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    got: Counter[str] = Counter()
    path = folder / "data" / "mail.sqlite"
    with closing(sqlite3.connect(path, timeout=30)) as inbox:
        for recipients, document in inbox.execute("SELECT recipients, document FROM mail"):
            if "@kanit.example" not in recipients:
                continue
            proof.mails += 1
            draft = json.loads(document)
            got.update(to for to in draft["to"])
            papers = [base64.b64decode(content) for _, _, content in draft["attachments"]]
            if len(papers) != 1 or not papers[0].startswith(b"%PDF"):
                proof.without_pdf += 1
                continue
            proof.largest_pdf = max(proof.largest_pdf, len(papers[0]))
            if hashlib.sha256(papers[0]).hexdigest() not in hashes:
                proof.hash_differs += 1
    wanted = {f"cari{number}@kanit.example" for number in range(proof.letters)}
    proof.addresses_missing = len(wanted - set(got))
    proof.addresses_twice = sum(number > 1 for number in got.values())


def _again(proof: Proof, company: Company, month: Period) -> None:
    answer = company.command(f"{BASE}/periods/{month}/mailings", {"all": True})
    done = company.job(answer, patience=1_800)
    proof.added_by_second_run = int(done["result"].get("queued", 0))


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.proof_10k_letters")
    parser.add_argument("--letters", type=int, default=10_000)
    parser.add_argument("--out", type=Path, default=REPORT, help="where the numbers go (JSON)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        proof = prove(options.letters, Path(folder) / "local")
    document = {**asdict(proof), "holds": proof.holds}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(document, indent=1))
    return 0 if proof.holds else 1


if __name__ == "__main__":
    sys.exit(main())
