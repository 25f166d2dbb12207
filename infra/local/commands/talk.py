"""How every command speaks: data to stdout, talk to stderr, and one meaning per exit code."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from infra.local.client import LocalClient, RunningStack
from infra.local.settings import default_folder

OK: Final = 0
USAGE: Final = 2
INVALID: Final = 3
NOT_FOUND: Final = 4
CONFLICT: Final = 5
REMOTE: Final = 6
PARTIAL: Final = 7

BY_STATUS: Final[Mapping[int, int]] = {
    400: INVALID,
    404: NOT_FOUND,
    409: CONFLICT,
    412: CONFLICT,
    422: INVALID,
}
"""Exit code by the status of an answer; any other failure is REMOTE."""

Command = Callable[[argparse.Namespace], int]
Table = list[list[str]]


class AddCommand:
    """Adds commands to a parser, each with the flags that all commands share."""

    def __init__(self, parser: argparse.ArgumentParser, shared: argparse.ArgumentParser) -> None:
        self._commands = parser.add_subparsers(metavar="COMMAND", required=True)
        self._shared = shared

    def __call__(
        self,
        name: str,
        run: Command,
        text: str,
        *,
        under: Any = None,
        example: str = "",
        **more: Any,
    ) -> argparse.ArgumentParser:
        """A command; ``example`` stands below its help."""
        parent = self._commands if under is None else under
        command: argparse.ArgumentParser = parent.add_parser(
            name,
            help=text,
            description=text,
            parents=[self._shared],
            epilog=f"example:\n  kopru {example}" if example else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **more,
        )
        command.set_defaults(command=run)
        return command

    def group(self, name: str, text: str) -> Any:
        """A command that only has commands below it."""
        group = self._commands.add_parser(name, help=text, description=text)
        return group.add_subparsers(metavar="COMMAND", required=True)


def show(
    options: argparse.Namespace, document: Mapping[str, Any], rows: Callable[[], Table]
) -> None:
    """The answer: as JSON, as plain lines with tabs, or as a table."""
    if options.json:
        print(pretty(document))
        return
    table = rows()
    if not table:
        talk("there is nothing")
    if options.plain:
        for row in table:
            print("\t".join(row))
        return
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def columns(items: Sequence[Mapping[str, Any]], *names: str) -> Table:
    """The rows of a table from items of an answer."""
    return [[cell(item.get(name)) for name in names] for item in items]


def cell(value: Any) -> str:
    """One value on one line."""
    if value is None:
        return "-"
    if isinstance(value, Mapping) and set(value) == {"amount", "currency"}:
        return f"{value['amount']} {value['currency']}"
    if isinstance(value, str | int):
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def pretty(document: object) -> str:
    """A document as people read JSON."""
    return json.dumps(document, ensure_ascii=False, indent=2)


def confirmed(options: argparse.Namespace, question: str) -> bool:
    """Whether the person says yes; ``--yes`` says it beforehand, ``--no-input`` says no."""
    if options.yes:
        return True
    if options.no_input or not sys.stdin.isatty():
        return False
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def talk(text: str) -> None:
    """Tell the person something that is not data."""
    print(text, file=sys.stderr)


def complain(text: str, code: int) -> int:
    """Say what is wrong; gives the exit code."""
    talk(f"error: {text}")
    return code


def folder_of(options: argparse.Namespace) -> Path:
    """The folder of the stack that is meant."""
    folder: Path | None = options.dir
    return default_folder() if folder is None else folder.absolute()


def local_of(options: argparse.Namespace) -> LocalClient:
    """The running stack's own controls. Raises: NotRunningError."""
    return LocalClient(RunningStack.find(folder_of(options)))
