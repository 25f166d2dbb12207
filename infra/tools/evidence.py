"""Evidence of a company in one file: ``python -m infra.tools.evidence export|verify``.

``export`` takes audit chains and daily seals over the API. ``verify`` needs nothing but the file
and, better, the roots somebody kept elsewhere: it recomputes every chain, every seal and its parts,
that seals follow each other, and that no chain contradicts a seal. It names the first thing that
does not hold. Exit codes: 0 all holds, 3 something does not, 6 the product does not answer.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from toolkit.aws.unit_of_work import chain_hash
from workspace.domain.audit import first_fault
from workspace.domain.seal import digest, first_contradiction, heads_of, parts_of

OK: Final = 0
BROKEN: Final = 3
REMOTE: Final = 6
VERSION: Final = 1
_TIMEOUT: Final = 60

Get = Callable[[str, Mapping[str, str]], Any]
"""One answer of the API: path below ``/v1/audit``, query."""


def collect(get: Get) -> dict[str, Any]:
    """Everything that is needed to verify, as one document."""
    seals = []
    for seal in _pages(get, "seals"):
        if seal["status"] != "complete":
            continue
        whole = get(f"seals/{seal['id']}", {})
        parts = [
            get(f"seals/{seal['id']}", {"part": str(number)})["content"]
            for number in range(seal["parts"])
        ]
        seals.append({"day": seal["day"], "content": whole["content"], "parts": parts})
    chains = list(_pages(get, "chains"))
    return {"version": VERSION, "seals": sorted(seals, key=_day), "chains": chains}


def complaints(evidence: Mapping[str, Any], kept_roots: Sequence[str] = ()) -> Iterator[str]:
    """What does not hold, one sentence each; nothing when all of it does."""
    rows: dict[str, dict[int, Mapping[str, Any]]] = {}
    for chain in evidence["chains"]:
        fault = first_fault(chain["entity"], chain["rows"], chain_hash, chain["last_known"])
        if fault is not None:
            yield f"chain {fault.entity}, row {fault.sequence}: {fault.code}"
        rows[chain["entity"]] = {row["seq"]: row for row in chain["rows"]}
    roots: list[str] = []
    for seal in evidence["seals"]:
        content = seal["content"].encode()
        previous, parts = parts_of(content)
        if roots and previous != roots[-1]:
            yield f"seal of {seal['day']}: does not follow the seal before it"
        roots.append(digest(content))
        if len(parts) != len(seal["parts"]):
            yield f"seal of {seal['day']}: parts are missing"
        for part, text in zip(parts, seal["parts"], strict=False):
            if digest(text.encode()) != part.digest:
                yield f"seal of {seal['day']}: part {part.name} was changed"
                continue
            heads = heads_of(text.encode())
            stored = {
                (head.context, head.entity): rows.get(head.entity, {}).get(head.sequence)
                for head in heads
            }
            found = first_contradiction(heads, stored)
            if found is not None:
                yield f"seal of {seal['day']}: {found.entity}, row {found.sequence}: {found.code}"
    for root in kept_roots:
        if root not in roots:
            yield f"the kept root {root[:16]}… is the root of no seal"


def _day(seal: Mapping[str, Any]) -> str:
    return str(seal["day"])


def _pages(get: Get, path: str) -> Iterator[Any]:
    query: dict[str, str] = {}
    while True:
        page = get(path, query)
        yield from page["items"]
        if page["next_cursor"] is None:
            return
        query = {"cursor": page["next_cursor"]}


def _over_http(base: str, key: str) -> Get:
    def get(path: str, query: Mapping[str, str]) -> Any:
        address = f"{base.rstrip('/')}/v1/audit/{path}?{urlencode(query)}"
        request = Request(address, headers={"Authorization": f"Bearer {key}"})  # noqa: S310
        with urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310
            return json.loads(answer.read())

    return get


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives its exit code."""
    parser = argparse.ArgumentParser(description="Evidence of a company, and whether it holds.")
    commands = parser.add_subparsers(dest="command", required=True)
    export = commands.add_parser("export", help="write the evidence of a company into a file")
    export.add_argument("file", type=Path)
    export.add_argument("--base", required=True, help="address of the product")
    export.add_argument("--key-file", type=Path, required=True, help="file with the API key")
    verify = commands.add_parser("verify", help="check a file, without any network")
    verify.add_argument("file", type=Path)
    verify.add_argument("--root", action="append", default=[], help="root that was kept elsewhere")
    options = parser.parse_args(arguments)
    if options.command == "export":
        key = options.key_file.read_text(encoding="utf-8").strip()
        try:
            evidence = collect(_over_http(options.base, key))
        except (HTTPError, URLError, OSError) as error:
            sys.stderr.write(f"the product does not answer as expected: {error}\n")
            return REMOTE
        options.file.write_text(json.dumps(evidence, ensure_ascii=False), encoding="utf-8")
        return OK
    evidence = json.loads(options.file.read_text(encoding="utf-8"))
    found = list(complaints(evidence, options.root))
    for complaint in found:
        sys.stdout.write(f"{complaint}\n")
    seals, chains = len(evidence["seals"]), len(evidence["chains"])
    sys.stderr.write(f"{chains} chains, {seals} seals, {len(found)} complaints\n")
    return BROKEN if found else OK


if __name__ == "__main__":
    sys.exit(main())
