"""Command line of the local stack: ``python -m infra.local``.

Data goes to stdout, talk to stderr. Exit codes: 0 done, 2 usage, 3 refused input, 4 not found,
5 conflict, 6 the stack does not answer or failed, 7 done in part.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
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
from infra.local.durations import DurationError, parse_duration
from infra.local.settings import (
    ROOT,
    LocalSettings,
    SettingsError,
    default_folder,
    default_port,
)

OK: Final = 0
USAGE: Final = 2
INVALID: Final = 3
NOT_FOUND: Final = 4
CONFLICT: Final = 5
REMOTE: Final = 6
PARTIAL: Final = 7

_BY_STATUS: Final = {400: INVALID, 404: NOT_FOUND, 409: CONFLICT, 422: INVALID}

_OUTCOMES: Final = (
    ("bounce", "bounce", "report that it cannot be delivered"),
    ("complain", "complaint", "report that its reader called it spam"),
    ("read", "open", "report that it was opened"),
)

Command = Callable[[argparse.Namespace], int]


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
        return _complain(str(error), REMOTE)
    except RefusedError as error:
        return _complain(error.detail, _BY_STATUS.get(error.status, REMOTE))
    except DurationError as error:
        return _complain(str(error), INVALID)
    except SettingsError as error:
        return _complain(str(error), USAGE)
    except BrokenPipeError:
        sys.stderr.close()
        return OK


def build_parser() -> argparse.ArgumentParser:
    """The parser with every command."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.local",
        description="The whole product on this machine: no Docker, no account, no network.",
        epilog="examples:\n"
        "  python -m infra.local up\n"
        "  python -m infra.local clock advance 3d\n"
        "  python -m infra.local inbox open latest\n"
        "  python -m infra.local tick PensionsRelayOutbox\n"
        "environment: PORT (8000), KOPRU_LOCAL_DIR (.local)",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--dir", type=Path, metavar="FOLDER", help="state folder of the stack")
    common.add_argument("--json", action="store_true", help="print the whole answer as JSON")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, run: Command, text: str, *, under: Any = commands, **more: Any) -> Any:
        command = under.add_parser(name, help=text, description=text, parents=[common], **more)
        command.set_defaults(command=run)
        return command

    def group(name: str, text: str) -> Any:
        return commands.add_parser(name, help=text, description=text).add_subparsers(
            metavar="COMMAND", required=True
        )

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
    reset.add_argument("--yes", action="store_true", help="do not ask")

    add("status", _status, "what is running and where")

    evidence = group("evidence", "packs that prove what was sent, seen and said")
    checked = add("verify", _verify_evidence, "check a pack, without any stack", under=evidence)
    checked.add_argument("file", type=Path, help="the zip archive, or its evidence.json")
    checked.add_argument("--head", default="", help="head of the chain from the letter's history")

    clock = group("clock", "the one clock of the stack")
    add("show", _clock_show, "what time it is", under=clock)
    advance = add("advance", _clock_advance, "move it; due schedules run in order", under=clock)
    advance.add_argument("duration", help="PT1H, P3D, 90m, 3d")

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

    queue = group("queue", "queues and dead letters")
    add("list", _queues, "how full every queue is", under=queue)

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
    return parser


# -- starting and wiping


def _up(options: argparse.Namespace) -> int:
    # The emulated cloud takes seconds to import; only those who start it pay for it.
    _talk("starting")
    from infra.local.cloud.model import LocalCloudError
    from infra.local.up import run

    port = default_port() if options.port is None else options.port
    settings = LocalSettings(
        port=port,
        folder=_folder(options),
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
        return _complain(str(error), CONFLICT)


def _built(settings: LocalSettings) -> LocalSettings:
    from infra.tools.host_build import packages

    template = ROOT / ".aws-sam" / "build" / "template.yaml"
    return replace(settings, template=template, packages=packages(), reload=False)


def _demo(options: argparse.Namespace) -> int:
    from infra.local.cloud.model import LocalCloudError
    from infra.local.demo_run import play

    settings = LocalSettings(port=0, folder=_folder(options))
    out: Path = options.out or ROOT / "build" / "demo"
    try:
        return play(settings, out.absolute())
    except LocalCloudError as error:
        return _complain(str(error), CONFLICT)


def _verify_evidence(options: argparse.Namespace) -> int:
    from infra.local.evidence import EvidenceError, verify

    try:
        entries = verify(options.file, options.head)
    except EvidenceError as error:
        return _complain(str(error), INVALID)
    print(f"{options.file.name}: {entries} entries, nothing was changed")
    return OK


def _reset(options: argparse.Namespace) -> int:
    folder = _folder(options)
    if not options.yes and not _confirmed(f"Delete everything in {folder}?"):
        return _complain("nothing was deleted", USAGE)
    try:
        client = LocalClient(RunningStack.find(folder))
    except NotRunningError:
        from infra.local.cloud.model import LocalCloudError
        from infra.local.up import wipe

        try:
            wipe(folder)
        except LocalCloudError as error:
            return _complain(str(error), CONFLICT)
        _talk(f"{folder} is empty; the next start seeds it")
        return OK
    answer = client.post("reset")
    _print(options, answer, lambda: [["ready", answer.get("base_url", "")]])
    return OK


def _status(options: argparse.Namespace) -> int:
    stack = RunningStack.find(_folder(options))
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
    _print(options, answer, lambda: rows)
    return OK


# -- commands to a running stack


def _clock_show(options: argparse.Namespace) -> int:
    answer = _client(options).get("clock")
    _print(options, answer, lambda: [[answer["now"], f"{answer['offset_seconds']} s ahead"]])
    return OK


def _clock_advance(options: argparse.Namespace) -> int:
    parse_duration(options.duration)
    answer = _client(options).post("clock", {"advance": options.duration})
    _print(options, answer, lambda: [*_run_rows(answer["runs"]), ["now", answer["now"], "", ""]])
    for each in answer["coalesced"]:
        _talk(f"{each['schedule']} was due {each['due']} times and ran {each['ran']} times")
    if not answer["settled"]:
        _talk("some work was still going on when the clock moved on")
    failed = any(not run["ok"] for run in answer["runs"])
    return PARTIAL if failed or not answer["settled"] else OK


def _tick(options: argparse.Namespace) -> int:
    answer = _client(options).post(path_of("schedules", options.name, "run"))
    _print(options, answer, lambda: _run_rows(answer["runs"]))
    return OK


def _schedules(options: argparse.Namespace) -> int:
    answer = _client(options).get("schedules")
    _print(
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
    answer = _client(options).get("inbox")
    wanted = options.to.lower()
    items = [mail for mail in answer["items"] if any(wanted in each.lower() for each in mail["to"])]
    _print(
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
    client = _client(options)
    mail = client.get(_mail_path(client, options.id))
    rows = [
        ["From", mail["from"]],
        ["To", ", ".join([*mail["to"], *mail["cc"], *mail["bcc"]])],
        ["At", mail["at"]],
        ["Subject", mail["subject"]],
        *(["Link", link] for link in mail["links"]),
        *(["File", each["filename"]] for each in mail["attachments"]),
    ]
    _print(options, mail, lambda: rows)
    if not options.json and mail["text"]:
        print(f"\n{mail['text']}")
    return OK


def _inbox_report(options: argparse.Namespace) -> int:
    client = _client(options)
    path = f"{_mail_path(client, options.id)}/simulate"
    answer = client.post(path, {"outcome": options.outcome})
    _print(options, answer, lambda: [[str(answer["id"]), answer["outcome"]]])
    return OK


def _inbox_scan(options: argparse.Namespace) -> int:
    stack = RunningStack.find(_folder(options))
    client = LocalClient(stack)
    links = client.get(_mail_path(client, options.id))["links"]
    ours = [link for link in links if link.startswith(f"{stack.base_url}/")]
    visits = [{"link": link, "status": visit(link)} for link in ours]
    _print(options, {"items": visits}, lambda: [[str(v["status"]), v["link"]] for v in visits])
    return OK


def _queues(options: argparse.Namespace) -> int:
    answer = _client(options).get("queues")
    _print(
        options,
        answer,
        lambda: [
            [
                each["name"],
                f"visible {each['visible']}",
                f"in flight {each['in_flight']}",
                f"delayed {each['delayed']}",
                "dead letters" if each["is_dead_letter_queue"] else "",
            ]
            for each in answer["items"]
        ],
    )
    return OK


def _simulators(options: argparse.Namespace) -> int:
    answer = _client(options).get("simulators")
    _print(options, answer, lambda: [[each["name"], each["url"]] for each in answer["items"]])
    return OK


def _simulator_show(options: argparse.Namespace) -> int:
    print(_pretty(_client(options).get(path_of("simulators", options.name))))
    return OK


def _simulator_script(options: argparse.Namespace) -> int:
    text = sys.stdin.read() if options.behaviour == "-" else options.behaviour
    try:
        behaviour = json.loads(text)
        if not isinstance(behaviour, dict):
            raise ValueError("not an object")
    except ValueError as error:
        return _complain(f"the behaviour is not a JSON object: {error}", INVALID)
    print(_pretty(_client(options).post(path_of("simulators", options.name), behaviour)))
    return OK


def _show_snapshots(options: argparse.Namespace, answer: Mapping[str, Any]) -> int:
    _print(options, answer, lambda: [[each["name"]] for each in answer["items"]])
    return OK


def _snapshots(options: argparse.Namespace) -> int:
    return _show_snapshots(options, _client(options).get("snapshots"))


def _snapshot_save(options: argparse.Namespace) -> int:
    return _show_snapshots(options, _client(options).post(path_of("snapshots", options.name)))


def _snapshot_load(options: argparse.Namespace) -> int:
    answer = _client(options).post(path_of("snapshots", options.name, "load"))
    return _show_snapshots(options, answer)


def _log(options: argparse.Namespace) -> int:
    query = f"?source={options.function}" if options.function else ""
    answer = _client(options).get(f"log{query}")
    rows = [[each["at"], each["source"], each["text"]] for each in answer["items"]]
    _print(options, answer, lambda: rows)
    return OK


# -- talking


def _folder(options: argparse.Namespace) -> Path:
    folder: Path | None = options.dir
    return default_folder() if folder is None else folder.absolute()


def _client(options: argparse.Namespace) -> LocalClient:
    return LocalClient(RunningStack.find(_folder(options)))


def _print(
    options: argparse.Namespace,
    document: Mapping[str, Any],
    rows: Callable[[], list[list[str]]],
) -> None:
    if options.json:
        print(_pretty(document))
        return
    table = rows()
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def _run_rows(runs: list[dict[str, Any]]) -> list[list[str]]:
    return [[run["scheduled_at"], run["schedule"], _word(run), run["detail"]] for run in runs]


def _word(run: Mapping[str, Any] | None) -> str:
    return "not yet" if run is None else "ok" if run["ok"] else "failed"


def _pretty(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2)


def _confirmed(question: str) -> bool:
    if not sys.stdin.isatty():
        return False
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _talk(text: str) -> None:
    print(text, file=sys.stderr)


def _complain(text: str, code: int) -> int:
    _talk(f"error: {text}")
    return code
