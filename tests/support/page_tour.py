"""A running stack with something on every page, walked through by everybody who reads pages."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from infra.local.client import LocalClient
from infra.local.packs import pack as packs
from infra.local.packs.player import Player
from infra.local.packs.world import PASSWORD
from tests.support.page_walk import Place, Reader, local, page_routes
from tests.support.reconciliation_builders import ubl
from workspace.bootstrap import STEP_COOKIE

_PASSWORD: Final = "tur icin mavi tramvay 42"
_PATIENCE: Final = 30.0
STARTS: Final = tuple(route for route in page_routes() if "{" not in route)
_JOBS: Final = tuple(
    route
    for route in page_routes()
    if route.endswith(("jobs/{id}", "imports/{id}", "batches/{id}"))
)


@dataclass
class Tour:
    """The readers of the stack, and what each of them can open that the ones before could not."""

    readers: dict[str, Reader] = field(default_factory=dict)
    places: dict[str, list[Place]] = field(default_factory=dict)

    def add(self, name: str, reader: Reader, starts: Iterable[str]) -> None:
        """Walk as this reader."""
        known = self.reached
        self.readers[name] = reader
        self.places[name] = [each for each in reader.walk(starts) if each.route not in known]

    @property
    def reached(self) -> set[str]:
        """Routes that answered somebody."""
        return {place.route for those in self.places.values() for place in those}

    def pages(self) -> Iterator[tuple[str, Place]]:
        """Every whole page with the name of who opens it."""
        for name, those in self.places.items():
            yield from ((name, place) for place in those if place.kind == "page")


@contextmanager
def tour_of(base: str, credentials: Mapping[str, Any], stack: LocalClient) -> Iterator[Tour]:
    """Play the seed ``tour`` and walk: a person of the company, the operator, the company's
    customer at the portal, and whoever has a link or none. Their connections end with the block.
    """
    with ExitStack() as closing:

        def reader() -> Reader:
            made = Reader(base)
            closing.callback(made.client.close)
            return made

        yield _walked(reader, credentials, stack)


def _walked(new: Callable[[], Reader], credentials: Mapping[str, Any], stack: LocalClient) -> Tour:
    anybody = new()
    users = {each["role"]: each for each in reversed(credentials["users"])}
    owner, operator = users["accountant"], users["operator"]
    player = Player(
        anybody.base_url, credentials["operator_key"], stack, owner_email=owner["email"]
    )
    played = player.play(packs.read(packs.FOLDER / packs.SEEDS / "tour.yaml"))
    _accept(anybody, _mailed(stack, owner["email"], "/invitations/"))
    person = new().sign_in(owner["email"], owner["password"])
    person.open_company(str(played.company["id"]))
    runner = new().sign_in(operator["email"], operator["password"])
    _ask_for_mails(person, runner, anybody, owner["email"])
    _mailed(stack, owner["email"], "/password-resets/")
    found = Tour()
    found.add("customer", _customer(new(), stack, person), STARTS)
    found.add("anybody", anybody, (*STARTS, "/problems/not_found", *_letters(stack)))
    found.add("newcomer", _newcomer(new()), ("/sign-in/code",))
    chief = new().sign_in(played.people["chief"], PASSWORD)
    found.add("chief", chief, ("/workflow/tasks", "/workflow/approvals"))
    found.add("person", person, ("/", *STARTS, *_made(person)))
    found.add("operator", runner, (*STARTS, "/operator/dead-letters/workspace-send-mail"))
    return found


def _links(stack: LocalClient) -> Iterator[tuple[str, str]]:
    """Receiver and path of every link in a mail, newest first."""
    for mail in stack.get("inbox")["items"]:
        for link in mail["links"]:
            yield ", ".join(mail["to"]), local(link)


def _mailed(stack: LocalClient, to: str, part: str) -> str:
    """The newest link of this kind that was mailed to somebody."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        for receiver, path in _links(stack):
            if to in receiver and part in path:
                return path
        time.sleep(0.1)
    raise AssertionError(f"no mail to {to} with {part}")


def _accept(anybody: Reader, path: str, **more: str) -> None:
    token = urlsplit(path).path.rsplit("/", 1)[1]
    anybody.api("POST", "/v1/invitations/accept", {"token": token, **more})


def _customer(reader: Reader, stack: LocalClient, person: Reader) -> Reader:
    """The company's customer, signed in at the portal; an invitation and a wish stay open."""
    card = person.api("GET", "/v1/reconciliation/counterparties")["items"][0]
    invoice = ubl(supplier="1234567890", customer=card["tax_no"])
    person.api("POST", "/v1/reconciliation/e-invoices?direction=sales", invoice)
    link = _mailed(stack, "muhasebe.", "/portal/invitations/")
    done = reader.post_form(link, password=_PASSWORD)
    user = dict(part.split("=") for part in urlsplit(done.headers["location"]).query.split("&"))
    reader.post_form("/portal/sign-in", user=user["user"], password=_PASSWORD)
    reader.post_form("/portal/mails", email="wish@senaryo.example")
    person.api("POST", f"/v1/reconciliation/counterparties/{card['id']}/invitations")
    return reader


def _newcomer(reader: Reader) -> Reader:
    """Somebody between the password and the code: the page asks for the mark only."""
    step = f"{STEP_COOKIE}-{urlsplit(reader.base_url).port}"
    reader.client.cookies.set(step, "open")
    return reader


def _ask_for_mails(person: Reader, runner: Reader, reader: Reader, email: str) -> None:
    """An invitation, an activation and a new password are asked for and not yet used."""
    person.api(
        "POST",
        "/v1/users",
        {"email": "davet@senaryo.example", "name": "Deniz Davetli", "roles": ["viewer"]},
    )
    reader.api("POST", "/v1/password-resets", {"email": email})
    for signup in runner.api("GET", "/v1/signups?state=requested")["items"]:
        runner.api("POST", f"/v1/signups/{signup['id']}/approve")


def _letters(stack: LocalClient) -> Iterator[str]:
    """Every link of every mail; of `subscriptions` the token of a wish is as good."""
    for _, path in _links(stack):
        yield path
        if "/portal/confirmations/" in path:
            yield path.replace("confirmations", "subscriptions")
        if path.startswith("/r/"):
            yield from (f"{path}/letter.pdf", f"{path}/letter.xlsx")


def _made(person: Reader) -> Iterator[str]:
    """Addresses of what no page links to: feeds, a stored view, pages of jobs."""
    yield local(person.api("POST", "/v1/me/deadline-feed")["url"])
    yield local(person.api("POST", "/v1/card-contracts/calendar-feed")["url"])
    yield f"/views/{person.api('POST', '/v1/views', {'name': 'Jobs', 'url': '/jobs'})['id']}"
    for job in person.api("GET", "/v1/jobs?limit=100")["items"]:
        yield from (route.replace("{id}", job["id"]) for route in _JOBS)
