"""Command line of the local stack: ``kopru``, or ``python -m infra.local``.

Data goes to stdout, talk to stderr. Exit codes: 0 done, 2 usage, 3 refused input, 4 not found,
5 conflict, 6 the stack does not answer or failed, 7 done in part.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from infra.local.client import (
    LocalClient,
    NotRunningError,
    RefusedError,
    RunningStack,
    path_of,
    visit,
)
from infra.local.commands.talk import (
    BY_STATUS,
    CONFLICT,
    INVALID,
    NOT_FOUND,
    OK,
    PARTIAL,
    REMOTE,
    USAGE,
    AddCommand,
    Command,
    Table,
    complain,
    confirmed,
    folder_of,
    local_of,
    pretty,
    show,
    talk,
)
from infra.local.durations import DurationError, parse_duration
from infra.local.settings import ROOT, LocalSettings, SettingsError, default_port

__all__ = ["CONFLICT", "INVALID", "NOT_FOUND", "OK", "PARTIAL", "REMOTE", "USAGE", "main"]

_OUTCOMES: Final = (
    ("bounce", "bounce", "report that it cannot be delivered"),
    ("complain", "complaint", "report that its reader called it spam"),
    ("read", "open", "report that it was opened"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives its exit code."""
    started = time.monotonic()
    parser = build_parser()
    options = parser.parse_args(arguments)
    options.started = started
    command: Command = options.command
    try:
        return command(options)
    except NotRunningError as error:
        return complain(str(error), REMOTE)
    except RefusedError as error:
        return complain(error.detail, BY_STATUS.get(error.status, REMOTE))
    except DurationError as error:
        return complain(str(error), INVALID)
    except SettingsError as error:
        return complain(str(error), USAGE)
    except BrokenPipeError:
        sys.stderr.close()
        return OK


def build_parser() -> argparse.ArgumentParser:
    """The parser with every command."""
    # The product's API takes a tenth of a second to import; completing a word should not.
    from infra.local.commands import news, proof, queues, stories, work

    parser = argparse.ArgumentParser(
        prog="kopru",
        description="The whole product on this machine: no Docker, no account, no network.",
        epilog="examples:\n"
        "  kopru up\n"
        "  kopru trigger pensions/partial-accept\n"
        "  kopru clock advance 3d\n"
        "  kopru inbox open latest\n"
        "  kopru tick PensionsRelayOutbox\n"
        "environment: PORT (8000), KOPRU_LOCAL_DIR (.local); for a deployed stage KOPRU_BASE_URL\n"
        "and KOPRU_API_KEY. Exit codes: 0 done, 2 usage, 3 refused, 4 not found, 5 conflict,\n"
        "6 no answer or failed, 7 done in part.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--dir", type=Path, metavar="FOLDER", help="state folder of the stack")
    common.add_argument("--json", action="store_true", help="print the whole answer as JSON")
    common.add_argument("--plain", action="store_true", help="tabs between columns, for programs")
    common.add_argument("--no-input", action="store_true", help="never ask; then the answer is no")
    common.add_argument("--yes", action="store_true", help="do not ask; the answer is yes")
    common.add_argument("--dry-run", action="store_true", help="say what would happen, if it can")
    add = AddCommand(parser, common)
    group = add.group

    up = add("up", _up, "start everything and stay; Ctrl-C stops it", aliases=["run"])
    up.add_argument("--port", type=int, help="port of the product (0 takes a free one)")
    up.add_argument("--verbose", action="store_true", help="print every request and log line")
    up.add_argument("--no-seed", action="store_true", help="start with nothing in it")
    up.add_argument("--no-schedules", action="store_true", help="run schedules only on demand")
    up.add_argument("--no-reload", action="store_true", help="do not watch the code")
    up.add_argument("--built", action="store_true", help="run what `make build` made")
    up.add_argument("--template", type=Path, help=argparse.SUPPRESS)

    demo = add("demo", _demo, "play the demo payroll: file to bank order")
    demo.add_argument("--out", type=Path, help="folder for the bank orders (build/demo)")

    reset = add("reset", _reset, "delete everything; a running stack is seeded anew")
    reset.add_argument(
        "--keep", choices=("seed",), help="go back to the seed: same companies, keys, passwords"
    )

    add("status", _status, "what is running and where")

    clock = group("clock", "the one clock of the stack")
    add("show", _clock_show, "what time it is", under=clock)
    advance = add("advance", _clock_advance, "move it; due schedules run in order", under=clock)
    advance.add_argument("duration", help="PT1H, P3D, 90m, 3d")
    for name, still, text in (
        ("freeze", True, "let time stand still"),
        ("run", False, "let time pass again"),
    ):
        add(name, _clock_freeze, text, under=clock).set_defaults(still=still)

    tick = add("tick", _tick, "run a schedule, or all schedules of a function, now")
    tick.add_argument("name", help="schedule or function, for example PensionsRelayOutbox")

    add("schedules", _schedules, "every schedule with its next and last run")

    inbox = group("inbox", "captured mails")
    listing = add("list", _inbox_list, "mails, newest first", under=inbox)
    listing.add_argument("--to", default="", help="only mails to this recipient")
    opening = add("open", _inbox_open, "one mail", under=inbox)
    opening.add_argument("id", help="id of the mail, or latest")

    for name, outcome, text in _OUTCOMES:
        reporting = add(name, _inbox_report, text, under=inbox)
        reporting.add_argument("id", help="id of the mail, or latest")
        reporting.set_defaults(outcome=outcome)
    scan = add("scan", _inbox_scan, "open its links the way a mail scanner does", under=inbox)
    scan.add_argument("id", help="id of the mail, or latest")

    simulator = group("simulator", "simulated institutions")
    add("list", _simulators, "what is running and where", under=simulator)
    show = add("show", _simulator_show, "what it accepted and would do next", under=simulator)
    show.add_argument("name")
    script = add("script", _simulator_script, "tell it what to do next", under=simulator)
    script.add_argument("name")
    script.add_argument("behaviour", help="a JSON object, or - to read it from stdin")

    snapshot = group("snapshot", "saved states of everything")
    add("list", _snapshots, "names of saved states", under=snapshot)
    for name, run, text in (
        ("save", _snapshot_save, "save everything under a name"),
        ("load", _snapshot_load, "replace everything by a saved state"),
    ):
        add(name, run, text, under=snapshot).add_argument("name")

    log = add("log", _log, "latest log lines of the stack or of one function")
    log.add_argument("function", nargs="?", default="", help="logical id of the function")
    for each in (stories, news, queues, work, proof):
        each.add(add)
    return parser


# -- starting and wiping


def _up(options: argparse.Namespace) -> int:
    # The emulated cloud takes seconds to import; only those who start it pay for it.
    talk("starting")
    from infra.local.cloud.model import LocalCloudError
    from infra.local.up import run

    port = default_port() if options.port is None else options.port
    settings = LocalSettings(
        port=port,
        folder=folder_of(options),
        verbose=options.verbose,
        seed=not options.no_seed,
        schedules=not options.no_schedules,
        reload=not options.no_reload,
    )
    if options.template is not None:
        settings = replace(settings, template=options.template.absolute())
    try:
        if options.built:
            settings = _built(settings)
        return run(settings, options.started)
    except LocalCloudError as error:
        return complain(str(error), CONFLICT)


def _built(settings: LocalSettings) -> LocalSettings:
    from infra.tools.host_build import packages

    template = ROOT / ".aws-sam" / "build" / "template.yaml"
    return replace(settings, template=template, packages=packages(), reload=False)


def _demo(options: argparse.Namespace) -> int:
    from infra.local.cloud.model import LocalCloudError
    from infra.local.demo_run import play

    settings = LocalSettings(port=0, folder=folder_of(options))
    out: Path = options.out or ROOT / "build" / "demo"
    try:
        return play(settings, out.absolute())
    except LocalCloudError as error:
        return complain(str(error), CONFLICT)


def _reset(options: argparse.Namespace) -> int:
    folder = folder_of(options)
    if options.keep is not None:
        client = local_of(options)
        if not confirmed(options, f"Put {folder} back to its seed?"):
            return complain("nothing was changed", USAGE)
        answer = client.post("reset", {"keep": options.keep})
        show(options, answer, lambda: [["ready", answer.get("base_url", "")]])
        return OK
    if not confirmed(options, f"Delete everything in {folder}?"):
        return complain("nothing was deleted", USAGE)
    try:
        client = LocalClient(RunningStack.find(folder))
    except NotRunningError:
        from infra.local.cloud.model import LocalCloudError
        from infra.local.up import wipe

        try:
            wipe(folder)
        except LocalCloudError as error:
            return complain(str(error), CONFLICT)
        talk(f"{folder} is empty; the next start seeds it")
        return OK
    answer = client.post("reset")
    show(options, answer, lambda: [["ready", answer.get("base_url", "")]])
    return OK


def _status(options: argparse.Namespace) -> int:
    stack = RunningStack.find(folder_of(options))
    answer = LocalClient(stack).get("")
    rows = [
        ["product", stack.base_url],
        ["control pages", f"{stack.base_url}/_local/"],
        ["AWS endpoint", stack.aws_endpoint],
        ["process", str(stack.pid)],
        ["clock", f"{answer['now']} ({answer['offset_seconds']} s ahead)"],
        ["functions", str(len(answer["functions"]))],
        ["mails", str(answer["mails"])],
        ["waiting messages", str(sum(queue["visible"] for queue in answer["queues"]))],
    ]
    show(options, answer, lambda: rows)
    return OK


# -- commands to a running stack


def _clock_show(options: argparse.Namespace) -> int:
    answer = local_of(options).get("clock")
    show(options, answer, lambda: [[answer["now"], f"{answer['offset_seconds']} s ahead"]])
    return OK


def _clock_advance(options: argparse.Namespace) -> int:
    parse_duration(options.duration)
    answer = local_of(options).post("clock", {"advance": options.duration})
    show(options, answer, lambda: [*_run_rows(answer["runs"]), ["now", answer["now"], "", ""]])
    for each in answer["coalesced"]:
        talk(f"{each['schedule']} was due {each['due']} times and ran {each['ran']} times")
    if not answer["settled"]:
        talk("some work was still going on when the clock moved on")
    failed = any(not run["ok"] for run in answer["runs"])
    return PARTIAL if failed or not answer["settled"] else OK


def _clock_freeze(options: argparse.Namespace) -> int:
    answer = local_of(options).post("clock", {"frozen": options.still})
    show(options, answer, lambda: [[answer["now"], "stands still" if options.still else "passes"]])
    return OK


def _tick(options: argparse.Namespace) -> int:
    answer = local_of(options).post(path_of("schedules", options.name, "run"))
    show(options, answer, lambda: _run_rows(answer["runs"]))
    return OK


def _schedules(options: argparse.Namespace) -> int:
    answer = local_of(options).get("schedules")
    show(
        options,
        answer,
        lambda: [
            [
                each["name"],
                each["expression"],
                each["timezone"],
                each["next_at"] or "never",
                _word(each["last_run"]),
            ]
            for each in answer["items"]
        ],
    )
    return OK


def _inbox_list(options: argparse.Namespace) -> int:
    answer = local_of(options).get("inbox")
    wanted = options.to.lower()
    items = [mail for mail in answer["items"] if any(wanted in each.lower() for each in mail["to"])]
    show(
        options,
        {**answer, "items": items, "total": len(items)},
        lambda: [[str(m["id"]), m["at"], ", ".join(m["to"]), m["subject"]] for m in items],
    )
    return OK


def _mail_path(client: LocalClient, mail_id: str) -> str:
    if mail_id == "latest":
        items = client.get("inbox")["items"]
        if not items:
            raise RefusedError(404, "the inbox is empty")
        mail_id = str(items[0]["id"])
    return path_of("inbox", mail_id)


def _inbox_open(options: argparse.Namespace) -> int:
    client = local_of(options)
    mail = client.get(_mail_path(client, options.id))
    rows = [
        ["From", mail["from"]],
        ["To", ", ".join([*mail["to"], *mail["cc"], *mail["bcc"]])],
        ["At", mail["at"]],
        ["Subject", mail["subject"]],
        *(["Link", link] for link in mail["links"]),
        *(["File", each["filename"]] for each in mail["attachments"]),
    ]
    show(options, mail, lambda: rows)
    if not options.json and mail["text"]:
        print(f"\n{mail['text']}")
    return OK


def _inbox_report(options: argparse.Namespace) -> int:
    client = local_of(options)
    path = f"{_mail_path(client, options.id)}/simulate"
    answer = client.post(path, {"outcome": options.outcome})
    show(options, answer, lambda: [[str(answer["id"]), answer["outcome"]]])
    return OK


def _inbox_scan(options: argparse.Namespace) -> int:
    stack = RunningStack.find(folder_of(options))
    client = LocalClient(stack)
    links = client.get(_mail_path(client, options.id))["links"]
    ours = [link for link in links if link.startswith(f"{stack.base_url}/")]
    visits = [{"link": link, "status": visit(link)} for link in ours]
    show(options, {"items": visits}, lambda: [[str(v["status"]), v["link"]] for v in visits])
    return OK


def _simulators(options: argparse.Namespace) -> int:
    answer = local_of(options).get("simulators")
    show(options, answer, lambda: [[each["name"], each["url"]] for each in answer["items"]])
    return OK


def _simulator_show(options: argparse.Namespace) -> int:
    print(pretty(local_of(options).get(path_of("simulators", options.name))))
    return OK


def _simulator_script(options: argparse.Namespace) -> int:
    text = sys.stdin.read() if options.behaviour == "-" else options.behaviour
    try:
        behaviour = json.loads(text)
        if not isinstance(behaviour, dict):
            raise ValueError("not an object")
    except ValueError as error:
        return complain(f"the behaviour is not a JSON object: {error}", INVALID)
    print(pretty(local_of(options).post(path_of("simulators", options.name), behaviour)))
    return OK


def _show_snapshots(options: argparse.Namespace, answer: Mapping[str, Any]) -> int:
    show(options, answer, lambda: [[each["name"]] for each in answer["items"]])
    return OK


def _snapshots(options: argparse.Namespace) -> int:
    return _show_snapshots(options, local_of(options).get("snapshots"))


def _snapshot_save(options: argparse.Namespace) -> int:
    return _show_snapshots(options, local_of(options).post(path_of("snapshots", options.name)))


def _snapshot_load(options: argparse.Namespace) -> int:
    answer = local_of(options).post(path_of("snapshots", options.name, "load"))
    return _show_snapshots(options, answer)


def _log(options: argparse.Namespace) -> int:
    query = f"?source={options.function}" if options.function else ""
    answer = local_of(options).get(f"log{query}")
    rows = [[each["at"], each["source"], each["text"]] for each in answer["items"]]
    show(options, answer, lambda: rows)
    return OK


def _run_rows(runs: list[dict[str, Any]]) -> Table:
    return [[run["scheduled_at"], run["schedule"], _word(run), run["detail"]] for run in runs]


def _word(run: Mapping[str, Any] | None) -> str:
    return "not yet" if run is None else "ok" if run["ok"] else "failed"
