"""``kopru import``, ``rules``, ``settle``, ``match`` and ``why``: compute and explain (†)."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from infra.local.commands.product import Product, add_flags, part
from infra.local.commands.talk import (
    INVALID,
    NOT_FOUND,
    OK,
    PARTIAL,
    USAGE,
    AddCommand,
    cell,
    columns,
    complain,
    confirmed,
    pretty,
    show,
    talk,
)

PROFILES: Final[Mapping[str, str]] = {
    "employees": "/v1/pensions/contracts/{contract}/employees/imports",
    "contributions": "/v1/pensions/contracts/{contract}/contributions/imports",
    "payment-code-batch": "/v1/payment-codes/batches/imports",
    "payment-statement": "/v1/payment-codes/statements/imports",
    "card-sales": "/v1/card-contracts/sales/imports",
    "card-statement": "/v1/card-contracts/statements/imports",
    "counterparties": "/v1/reconciliation/counterparties/imports",
    "ledger-entries": "/v1/reconciliation/ledger-entries/imports",
    "subjects": "/v1/workflow/subjects/imports",
}
"""What a file can be, and where it goes."""
UNDO: Final[Mapping[str, str]] = {
    "employees_import": "/v1/pensions/imports/{id}/undo",
    "payment_code_batch": "/v1/payment-codes/batches/{id}/undo",
    "card_sales_import": "/v1/card-contracts/sales/imports/{id}/undo",
    "counterparty_import": "/v1/reconciliation/imports/{id}/undo",
    "ledger_import": "/v1/reconciliation/imports/{id}/undo",
}
"""Where an import is taken back, by the kind of its job."""
COUNTS_FIRST: Final = frozenset({"payment_code_batch", "card_sales_import"})
"""Kinds that tell on request what taking them back would do."""


def add(command: AddCommand) -> None:
    """The commands that compute and explain."""
    imported = command(
        "import",
        _import,
        "import a file, or `import undo ID`",
        example="import employees payroll.csv --contract 01JX… --dry-run",
    )
    imported.add_argument("profile", metavar="PROFILE", help=f"{', '.join(PROFILES)}, or undo")
    imported.add_argument("file", metavar="FILE", help="the file; for undo the id of the import")
    imported.add_argument("--contract", default="", help="pension contract of the file")
    imported.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a further field"
    )
    add_flags(imported)

    send = command(
        "send", _send, "send the people of a contract to the insurer", example="send 01JX… --all"
    )
    send.add_argument("contract")
    send.add_argument("employees", nargs="*", help="ids; none with --all")
    send.add_argument("--all", action="store_true", dest="everybody")
    add_flags(send)

    rules = command.group("rules", "rule tables: cases, past decisions, versions")
    for name, run, text in (
        ("test", _rules_test, "gaps, overlaps and the cases of a version"),
        ("backtest", _rules_backtest, "what a version would have changed in the past"),
        ("activate", _rules_activate, "publish a version (four eyes)"),
    ):
        one = add_flags(command(name, run, text, under=rules))
        one.add_argument("rule", help="key of the table")
        one.add_argument("version", help="id of the version")
        if name == "backtest":
            one.add_argument("--from", required=True, dest="since", metavar="DATE")
            one.add_argument("--to", required=True, dest="until", metavar="DATE")
    diff = add_flags(command("diff", _rules_diff, "rows that differ", under=rules))
    diff.add_argument("rule")
    diff.add_argument("versions", nargs=2, metavar="VERSION")

    settle = command.group("settle", "what a card sale brings")
    simulate = command(
        "simulate",
        _settle,
        "the plan of a sale, without any effect",
        under=settle,
        example="settle simulate AXESS-26 --amount 1000.00 --sold 2026-04-28 --instalments 3",
    )
    simulate.add_argument("contract", nargs="?", default="", help="none: under every contract")
    simulate.add_argument("--amount", required=True)
    simulate.add_argument("--currency", default="TRY")
    simulate.add_argument("--sold", required=True, metavar="DATE")
    simulate.add_argument("--instalments", type=int, default=1)
    add_flags(simulate)

    match = command.group("match", "bank lines and expected money")
    explain = command("explain", _match, "why these belong together", under=match)
    add_flags(explain).add_argument("id")

    why = command(
        "why",
        _why,
        "where a computed date, amount or decision comes from",
        example="why remittance:CONTRACT:2026-10",
    )
    why.add_argument("id", help="decision:ID, match:ID, sale:ID, remittance:CONTRACT:PERIOD, …")
    add_flags(why)


def _import(options: argparse.Namespace) -> int:
    product = Product.of(options)
    if options.profile == "undo":
        return _undo(options, product)
    if options.profile not in PROFILES:
        return complain(f"there is no profile {options.profile}: {', '.join(PROFILES)}", USAGE)
    if "{contract}" in PROFILES[options.profile] and not options.contract:
        return complain(f"{options.profile} belong to a contract: --contract ID", USAGE)
    path = Path(options.file)
    if not path.is_file():
        return complain(f"{path} is not there", NOT_FOUND)
    body: dict[str, Any] = {"upload_id": product.upload(path), "dry_run": options.dry_run}
    for each in options.set:
        name, _, value = each.partition("=")
        body[name] = int(value) if name in ("year", "month") else value
    target = PROFILES[options.profile].format(contract=part(options.contract))
    return _finished(options, product.job(product.post(target, body)))


def _undo(options: argparse.Namespace, product: Product) -> int:
    if not options.dry_run and not confirmed(options, f"Take the import {options.file} back?"):
        return complain("nothing was taken back; --yes answers beforehand", USAGE)
    kind = product.get(f"/v1/jobs/{part(options.file)}")["kind"]
    if kind not in UNDO:
        return complain(f"a {kind} is not taken back; {', '.join(UNDO)} are", USAGE)
    if options.dry_run and kind not in COUNTS_FIRST:
        return complain(f"a {kind} is taken back without a dry run", USAGE)
    dry_run = "true" if options.dry_run else ""
    done = product.post(UNDO[kind].format(id=part(options.file)), dry_run=dry_run)
    if "status" in done:
        return _finished(options, product.job(done))
    show(options, done, lambda: [[str(name), cell(value)] for name, value in done.items()])
    return OK


def _send(options: argparse.Namespace) -> int:
    if options.everybody == bool(options.employees):
        return complain("name people, or say --all", USAGE)
    product = Product.of(options)
    path = f"/v1/pensions/contracts/{part(options.contract)}"
    if options.dry_run:
        ready = product.items(f"{path}/employees", 1000, status="ready")
        wanted = [one for one in ready if options.everybody or one["id"] in options.employees]
        show(options, {"items": wanted}, lambda: columns(wanted, "id", "first_name", "last_name"))
        return OK
    body = {"all": True} if options.everybody else {"employee_ids": options.employees}
    return _finished(options, product.job(product.post(f"{path}/submissions", body)))


def _finished(options: argparse.Namespace, job: Mapping[str, Any]) -> int:
    result = job.get("result") or {}
    show(
        options,
        job,
        lambda: [
            ["job", str(job["id"])],
            ["status", str(job["status"])],
            ["done", f"{job['done']} of {job['total']}"],
            *([str(name), cell(value)] for name, value in result.items()),
        ],
    )
    for problem in job.get("problems", [])[:20]:
        talk(f"  {problem.get('pointer') or problem.get('line', '')} {problem.get('message')}")
    ends = {"succeeded": OK, "partially_succeeded": PARTIAL}
    return ends.get(str(job["status"]), INVALID)


def _version(options: argparse.Namespace, version: str) -> str:
    return f"/v1/workflow/tables/{part(options.rule)}/versions/{part(version)}"


def _rules_test(options: argparse.Namespace) -> int:
    answer = Product.of(options).post(f"{_version(options, options.version)}/check")
    print(pretty(answer))
    return OK if answer["publishable"] else INVALID


def _rules_backtest(options: argparse.Namespace) -> int:
    body = {"from": options.since, "to": options.until}
    product = Product.of(options)
    print(pretty(product.post(f"{_version(options, options.version)}/back-test", body)))
    return OK


def _rules_activate(options: argparse.Namespace) -> int:
    if options.dry_run:
        return _rules_test(options)
    if not confirmed(options, f"Publish version {options.version} of {options.rule}?"):
        return complain("nothing was published; --yes answers beforehand", USAGE)
    print(pretty(Product.of(options).post(f"{_version(options, options.version)}/publish")))
    return OK


def _rules_diff(options: argparse.Namespace) -> int:
    product = Product.of(options)
    before, after = (product.get(_version(options, each)) for each in options.versions)
    lines = [
        {"change": sign, "row": name, "content": content}
        for sign, rows, others in (("-", before, after), ("+", after, before))
        for name, content in _rows(rows).items()
        if _rows(others).get(name) != content
    ]
    show(options, {"items": lines}, lambda: columns(lines, "change", "row", "content"))
    return OK


def _rows(version: Mapping[str, Any]) -> dict[str, str]:
    table = version.get("table") or version
    return {
        str(row["id"]): json.dumps([row.get("cells"), row.get("outputs")], ensure_ascii=False)
        for row in table.get("rows", ())
    }


def _settle(options: argparse.Namespace) -> int:
    body = {
        "sold_on": options.sold,
        "amount": {"amount": options.amount, "currency": options.currency},
        "instalments": options.instalments,
    }
    product = Product.of(options)
    if not options.contract:
        print(pretty(product.post("/v1/card-contracts/what-if", body)))
        return OK
    answer = product.post(f"/v1/card-contracts/{part(options.contract)}/plans", body)
    lines = answer["lines"]
    show(options, answer, lambda: columns(lines, "kind", "no", "raw_date", "date", "amount"))
    return OK


def _match(options: argparse.Namespace) -> int:
    match = Product.of(options).get(f"/v1/card-contracts/matches/{part(options.id)}")
    rows = [[name, cell(match.get(name))] for name in ("status", "kind", "score", "difference")]
    show(options, match, lambda: [*rows, *(["why", cell(each)] for each in match["why"])])
    return OK


_ITEMS: Final[Mapping[str, str]] = {
    "decision": "/v1/workflow/decisions/{0}",
    "approval": "/v1/workflow/approvals/{0}",
    "match": "/v1/card-contracts/matches/{0}",
    "sale": "/v1/card-contracts/sales/{0}",
    "remittance": "/v1/pensions/contracts/{0}/remittances/{1}",
    "payment_code": "/v1/payment-codes/{0}/payments",
    "payment": "/v1/payment-codes/payments/{0}",
    "letter": "/v1/reconciliation/letters/{0}",
    "employee": "/v1/pensions/employees/{0}",
}


def _why(options: argparse.Namespace) -> int:
    kind, _, rest = options.id.partition(":")
    ids = rest.split(":")
    if kind not in _ITEMS or len(ids) != _ITEMS[kind].count("{"):
        forms = (f"{name}:{':'.join(['ID'] * path.count('{'))}" for name, path in _ITEMS.items())
        return complain(f"say one of {', '.join(forms)}", USAGE)
    item = Product.of(options).get(_ITEMS[kind].format(*map(part, ids)))
    reasons = list(_reasons(item))
    if not reasons:
        talk("nothing of it was computed; `/v1/timeline` has its history")
    show(options, {"items": reasons}, lambda: columns(reasons, "of", "why"))
    return OK


def _reasons(item: Any, where: str = "") -> list[dict[str, Any]]:
    """Every ``why`` of a document with the place it stands at."""
    if isinstance(item, list):
        return [each for n, one in enumerate(item) for each in _reasons(one, f"{where}[{n}]")]
    if not isinstance(item, Mapping):
        return []
    found = []
    for name, value in item.items():
        if name == "why" and value:
            found += [{"of": where or "it", "why": _said(each)} for each in _listed(value)]
        else:
            found += _reasons(value, f"{where}.{name}".lstrip("."))
    return found


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _said(reason: Any) -> str:
    if isinstance(reason, Mapping):
        text = reason.get("text", reason)
        return cell(text.get("en", text) if isinstance(text, Mapping) else text)
    return cell(reason)
