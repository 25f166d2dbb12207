"""``kopru queue`` and ``dlq``: what waits, what failed for good, and sending it back."""

from __future__ import annotations

import argparse
from typing import Any

from infra.local.client import path_of
from infra.local.commands.product import Product, add_flags, part
from infra.local.commands.talk import (
    NOT_FOUND,
    OK,
    PARTIAL,
    USAGE,
    AddCommand,
    columns,
    complain,
    confirmed,
    local_of,
    pretty,
    show,
    talk,
)

_MOST: int = 500


def add(command: AddCommand) -> None:
    """The commands about queues."""
    queue = command.group("queue", "queues of the local stack")
    command("list", _list, "how full every queue is", under=queue)
    peek = command(
        "peek",
        _peek,
        "messages of a queue, without taking them",
        under=queue,
        example="queue peek pensions-send",
    )
    peek.add_argument("name", help="name of the queue, or the end or a part of it")

    dlq = command.group("dlq", "messages that failed for good (operator)")
    command_list = command("list", _groups, "groups of the same error", under=dlq)
    add_flags(command_list).add_argument("--queue", default="")
    for name, run, text in (
        ("show", _message, "one message: its item, its state, its error"),
        ("diff", _diff, "what sending the messages of a queue back would meet"),
    ):
        one = add_flags(command(name, run, text, under=dlq))
        one.add_argument("id" if name == "show" else "queue")
    back = command(
        "redrive",
        _redrive,
        "send messages back to their queue, after somebody looked",
        under=dlq,
        example="dlq redrive pensions-send --filter Timeout --limit 10 --dry-run",
    )
    back.add_argument("queue")
    back.add_argument("--filter", default="", metavar="TEXT", help="only errors with this text")
    back.add_argument("--limit", type=int, default=_MOST, help=f"at most so many ({_MOST})")
    back.add_argument("--reviewed", action="store_true", help="I looked at all of them")
    back.add_argument("--keep", action="store_true", help="send copies, the messages stay there")
    back.add_argument(
        "--to",
        default="",
        dest="stage",
        metavar="STAGE",
        help="the stage whose messages are meant: local, or staging with KOPRU_STAGING_BASE_URL",
    )
    add_flags(back)


def _list(options: argparse.Namespace) -> int:
    answer = local_of(options).get("queues")
    show(
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


def _peek(options: argparse.Namespace) -> int:
    local = local_of(options)
    known = [each["name"] for each in local.get("queues")["items"]]
    wanted = options.name.replace("-", "").lower()
    exact = [name for name in known if name.lower() == options.name.lower()]
    found = exact or [name for name in known if wanted in name.replace("-", "").lower()]
    if not found:
        return complain(f"no queue {options.name}; there are {', '.join(known)}", NOT_FOUND)
    items: list[dict[str, Any]] = []
    for name in found:
        items += local.get(path_of("queues", name, "messages"))["items"]
    show(options, {"items": items}, lambda: columns(items, "queue", "sent_at", "receives", "body"))
    return OK


def _groups(options: argparse.Namespace) -> int:
    answer = _operator(options).get("/v1/dead-letters", queue=options.queue)
    items = answer["items"]
    show(options, answer, lambda: columns(items, "queue", "count", "oldest_at", "error"))
    return OK


def _message(options: argparse.Namespace) -> int:
    print(pretty(_operator(options).get(f"/v1/dead-letters/messages/{part(options.id)}")))
    return OK


def _diff(options: argparse.Namespace) -> int:
    body = {"queue": options.queue, "dry_run": True}
    answer = _operator(options).post("/v1/dead-letters/redrive", body)
    items = answer["items"]
    show(
        options,
        answer,
        lambda: columns(items, "id", "subject", "state", "redrives", "can_redrive", "error"),
    )
    return OK


def _redrive(options: argparse.Namespace) -> int:
    if not options.reviewed and not options.filter:
        return complain(
            "look first (`kopru dlq diff`), then say --reviewed, or name errors by --filter", USAGE
        )
    operator = _operator(options)
    groups = operator.get("/v1/dead-letters", queue=options.queue)["items"]
    ids = [
        one
        for group in groups
        if group["queue"] == options.queue and options.filter in group["error"]
        for one in group["ids"]
    ][: options.limit]
    if not ids:
        return complain(f"nothing of {options.queue} is meant", NOT_FOUND)
    body = {"queue": options.queue, "ids": ids, "dry_run": options.dry_run, "keep": options.keep}
    if not options.dry_run and not confirmed(options, f"Send {len(ids)} messages back?"):
        return complain("nothing was sent back; --yes answers beforehand", USAGE)
    answer = operator.post("/v1/dead-letters/redrive", body)
    done = answer["would_redrive" if options.dry_run else "redriven"]
    show(
        options, answer, lambda: [["would go back" if options.dry_run else "sent back", str(done)]]
    )
    if done < len(ids):
        talk(f"{len(ids) - done} of {len(ids)} stayed")
        return PARTIAL
    return OK


def _operator(options: argparse.Namespace) -> Product:
    return Product.of(options, "operator_key")
