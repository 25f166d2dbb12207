"""``kopru events`` and ``listen``: what was published, who got it, and once more (†)."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

import httpx

from infra.local.commands.product import Product, add_flags, part
from infra.local.commands.talk import OK, AddCommand, columns, pretty, show, talk
from infra.local.packs.receiver import Receiver

_LIMIT: Final = 50
_FORWARD_SECONDS: Final = 10.0


def add(command: AddCommand) -> None:
    """The commands about events."""
    listen = command(
        "listen",
        _listen,
        "receive webhooks on this machine, filtered, until Ctrl-C",
        example="listen --events 'payment_codes.*' --to http://localhost:3000/hooks",
    )
    listen.add_argument("--events", default="*", metavar="PATTERN", help="such as pensions.*")
    listen.add_argument("--to", default="", metavar="URL", help="pass each on to this address")
    add_flags(listen)

    events = command.group("events", "the event log, and sending again")
    listing = add_flags(command("list", _list, "what was published, newest first", under=events))
    listing.add_argument("--limit", type=int, default=_LIMIT)
    listing.add_argument("--events", default="*", metavar="PATTERN")
    showing = command("show", _show, "one event and every delivery of it", under=events)
    add_flags(showing).add_argument("id")
    again = command("resend", _resend, "send an event again to every endpoint", under=events)
    add_flags(again).add_argument("id")
    recover = command(
        "recover",
        _recover,
        "send everything again that failed since then",
        under=events,
        example="events recover --since 2026-11-01T00:00:00Z",
    )
    recover.add_argument("--since", required=True, metavar="INSTANT")
    recover.add_argument("--endpoint", default="", help="only this one; all by default")
    add_flags(recover)


def _list(options: argparse.Namespace) -> int:
    items = Product.of(options).items("/v1/events", options.limit)
    wanted = [each for each in items if fnmatchcase(each["type"], options.events)]
    show(options, {"items": wanted}, lambda: columns(wanted, "time", "type", "subject", "id"))
    return OK


def _show(options: argparse.Namespace) -> int:
    product = Product.of(options)
    event = product.get(f"/v1/events/{part(options.id)}")
    deliveries = [
        each
        for each in product.items("/v1/webhook-deliveries", 500)
        if each["event_id"] == event["id"]
    ]
    if options.json:
        print(pretty({**event, "deliveries": deliveries}))
        return OK
    print(pretty(event))
    for each in deliveries:
        tries = len(each["attempts"])
        print(
            f"{each['id']}  to {each['endpoint_id']}  {each['status']}  {tries} tries"
            f"  next {each['next_attempt_at'] or '-'}"
        )
    return OK


def _resend(options: argparse.Namespace) -> int:
    product = Product.of(options)
    if options.dry_run:
        endpoints = [one for one in product.items("/v1/webhook-endpoints", 100) if one["enabled"]]
        show(options, {"items": endpoints}, lambda: columns(endpoints, "id", "url"))
        return OK
    answer = product.post(f"/v1/events/{part(options.id)}/resend")
    items = answer.get("items", [answer])
    show(options, answer, lambda: columns(items, "id", "endpoint_id", "status"))
    return OK


def _recover(options: argparse.Namespace) -> int:
    product = Product.of(options)
    known = product.items("/v1/webhook-endpoints", 100)
    wanted = [one for one in known if options.endpoint in ("", one["id"])]
    if not options.dry_run:
        for one in wanted:
            product.post(
                f"/v1/webhook-endpoints/{part(one['id'])}/recover", {"since": options.since}
            )
    show(options, {"items": wanted}, lambda: columns(wanted, "id", "url"))
    return OK


def _listen(options: argparse.Namespace) -> int:
    """A target of its own for as long as the command runs.

    A deployed stage does not reach this machine: there the event log is followed instead.
    """
    product = Product.of(options)
    if options.base_url:
        return _follow(options, product)
    receiver = Receiver(lambda event: _received(options, event))
    made = product.post(
        "/v1/webhook-endpoints",
        {"url": receiver.url, "events": [options.events], "description": "kopru listen"},
    )
    talk(f"listening for {options.events}; Ctrl-C ends it")
    try:
        while True:
            time.sleep(1.0)
    except KeyboardInterrupt:
        return OK
    finally:
        product.ask("DELETE", f"/v1/webhook-endpoints/{part(made['id'])}")
        receiver.stop()


def _follow(options: argparse.Namespace, product: Product) -> int:
    seen = {each["id"] for each in product.items("/v1/events", 100)}
    talk(f"following the event log for {options.events}; Ctrl-C ends it")
    try:
        while True:
            time.sleep(2.0)
            for each in reversed(product.items("/v1/events", 100)):
                if each["id"] not in seen and fnmatchcase(each["type"], options.events):
                    _received(options, {**each, "at": each["time"]})
                seen.add(each["id"])
    except KeyboardInterrupt:
        return OK


def _received(options: argparse.Namespace, event: Mapping[str, Any]) -> None:
    if options.json:
        print(json.dumps(event, ensure_ascii=False), flush=True)
    else:
        print(f"{event['at']}  {event['type']}  {event['subject']}  {event['id']}", flush=True)
    if options.to:
        body = {"type": event["type"], "timestamp": event["at"], "data": event.get("data")}
        try:
            answer = httpx.post(
                options.to,
                json=body,
                headers={"webhook-id": str(event["id"])},
                timeout=_FORWARD_SECONDS,
                trust_env=False,
            )
            talk(f"  {options.to} answered {answer.status_code}")
        except httpx.HTTPError as error:
            talk(f"  {options.to} did not answer: {error}")
