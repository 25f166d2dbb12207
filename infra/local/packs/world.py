"""A company of its own on a running stack, and the ways a pack acts on it."""

from __future__ import annotations

import itertools
import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any, Final
from zoneinfo import ZoneInfo

import httpx

from infra.local.client import LocalClient, path_of, visit
from infra.local.packs.pack import File, MailWish, Pack, PersonOf
from infra.local.packs.receiver import Receiver
from infra.local.packs.values import MISSING, at

PASSWORD: Final = "senaryo kopru mavi tramvay 42"  # noqa: S105  (people of one play only)
"""With which everybody who was invited in a play signs in."""
_FINAL: Final = frozenset({"succeeded", "partially_succeeded", "failed", "cancelled"})
_BROWSER: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_STEP_SECONDS: Final = 0.1
OWNER: Final = "owner@senaryo.example"


class StackRefusedError(RuntimeError):
    """The stack did not take what a play needs before its first step."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: a status, header lines by lower-case name, and a document or a text."""

    status: int
    headers: Mapping[str, str]
    body: Any

    def part(self, path: str) -> Any:
        """A header for ``@name``, else what stands at the path of the body."""
        if path.startswith("@"):
            return self.headers.get(path[1:], MISSING)
        return self.status if path == "$status" else at(self.body, path.removeprefix("."))


@dataclass(slots=True)
class World:
    """One play: its company, its people, its receiver and everything it kept."""

    base_url: str
    operator_key: str
    owner_email: str
    local: LocalClient
    run: str = field(default_factory=lambda: secrets.token_hex(3))
    known: dict[str, Any] = field(default_factory=dict)
    _client: httpx.Client = field(init=False)
    _numbers: Any = field(default_factory=itertools.count, init=False)
    _emails: dict[str, str] = field(default_factory=dict, init=False)
    _sessions: dict[str, dict[str, str]] = field(default_factory=dict, init=False)
    _receiver: Receiver | None = field(default=None, init=False)
    key: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self._client = httpx.Client(base_url=self.base_url, timeout=60, trust_env=False)

    def close(self) -> None:
        """Let go of connections and stop listening."""
        self._client.close()
        if self._receiver is not None:
            self._receiver.stop()

    # ------------------------------------------------------------------ before the first step

    def open(self, pack: Pack) -> None:
        """A fresh company with its people. Raises: StackRefusedError."""
        made = self.call(
            "POST",
            "/v1/tenants",
            by="operator",
            send={
                "name": f"{pack.company} · {pack.name} {self.run}",
                "language": pack.language,
                "zone": pack.zone,
                "owner": {"email": self.owner_email, "name": "Senaryo Sahibi"},
                "issue_api_key": True,
            },
        )
        if made.status != 201:
            raise StackRefusedError(f"no company could be opened: {made.status} {made.body}")
        self.key = made.body["api_key"]["secret"]
        self.known = {
            "run": self.run,
            # Numbers that are unique in the whole stack: a simulator serves every company.
            "serial": f"{secrets.randbelow(10**8):08d}",
            "org": f"9{secrets.randbelow(10**4):04d}",
            "base_url": self.base_url,
            "company": {name: made.body.get(name) for name in ("id", "name")},
            "people": {},
        }
        self.note_time(pack.zone)
        self.known["started"] = self.known["now"]
        for key, person in pack.people.items():
            self.known["people"][key] = self._join(key, person, pack.language)

    def note_time(self, zone: str) -> None:
        """Dates of a pack are dates of the stack's clock at the step that says them."""
        now = datetime.fromisoformat(self.local.get("clock")["now"])
        today = now.astimezone(ZoneInfo(zone)).date()
        first = today.replace(day=1)
        self.known |= {"now": now, "today": today, "this_month": first}
        self.known["last_month"] = (first - timedelta(days=1)).replace(day=1)

    def _join(self, key: str, person: PersonOf, language: str) -> dict[str, str]:
        email = f"{key}.{self.run}@senaryo.example"
        invited = self.call(
            "POST",
            "/v1/users",
            send={"email": email, "name": person.name, "roles": person.roles, "language": language},
        )
        if invited.status != 201:
            raise StackRefusedError(f"{key} was not invited: {invited.status} {invited.body}")
        link = self.mail(MailWish(to=email), 30.0)["links"][0]
        token = re.split(r"[/=]", link)[-1]
        accepted = self.call(
            "POST",
            "/v1/invitations/accept",
            by="nobody",
            send={"token": token, "password": PASSWORD},
        )
        if accepted.status != 204:
            raise StackRefusedError(f"{key} could not join: {accepted.status} {accepted.body}")
        self._emails[key] = email
        return {"id": str(invited.body["id"]), "email": email, "name": person.name}

    def _session(self, key: str) -> dict[str, str]:
        """Headers of a session of this person, who signs in when they have none."""
        if key in self._sessions:
            return self._sessions[key]
        proof = {"email": self._emails[key], "password": PASSWORD}
        signed = self._client.post("/v1/sessions", json=proof)
        if signed.status_code != 201:
            raise StackRefusedError(f"{key} could not sign in: {signed.text[:300]}")
        cookie = "; ".join(f"{name}={value}" for name, value in signed.cookies.items())
        self._client.cookies.clear()
        self._sessions[key] = {
            "cookie": cookie,
            "x-csrf-token": str(signed.json()["csrf_token"]),
        }
        return self._sessions[key]

    # ------------------------------------------------------------------ acts

    def call(
        self,
        method: str,
        path: str,
        *,
        by: str = "company",
        send: Any = None,
        file: File | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request to the API by the company's key, the operator, a person or nobody."""
        given = {"accept": "application/json"}
        if method == "POST":
            given["idempotency-key"] = f"{self.run}-{next(self._numbers)}"
        content = None
        if file is not None:
            content = file.text.encode(file.encoding)
            given["content-type"] = file.type
            given["content-disposition"] = f'attachment; filename="{file.name}"'
        given |= headers or {}

        def ask() -> httpx.Response:
            proof = self._proof(by)
            body = {"content": content} if send is None else {"json": send}
            return self._client.request(method, path, headers={**given, **proof}, **body)

        answer = ask()
        if answer.status_code == 401 and self._sessions.pop(by, None) is not None:
            # The clock was moved further than a session lasts: people sign in again.
            answer = ask()
        return _answer(answer)

    def job(self, started: Answer, patience: float, by: str) -> Answer:
        """The job of an answer at its end, or as it stands when patience ends."""
        path = started.headers.get("location", "")
        if not path.startswith("/v1/jobs/"):
            path = f"/v1/jobs/{started.body['id']}"
        end = time.monotonic() + patience
        while True:
            found = self.call("GET", path, by=by)
            if found.status >= 400 or found.body["status"] in _FINAL or time.monotonic() > end:
                return found
            time.sleep(_STEP_SECONDS)

    def visit(self, url: str, form: Mapping[str, str] | None) -> Answer:
        """A page as somebody without any key sees it, or the answer to the form they fill in.

        Raises: StackRefusedError when the page has no form with these fields.
        """
        target = url if url.startswith("http") else f"{self.base_url}{url}"
        with httpx.Client(timeout=60, trust_env=False, follow_redirects=True) as browser:
            page = browser.get(target, headers={"accept": "text/html", "user-agent": _BROWSER})
            if form is None:
                return _answer(page)
            filled_in = form_of(page.text, set(form))
            if filled_in is None:
                raise StackRefusedError(f"{target} has no form with {', '.join(form)}")
            action, hidden = filled_in
            posted = browser.post(
                str(page.url.join(action)) if action else str(page.url),
                data={**hidden, **form},
                headers={"accept": "text/html", "user-agent": _BROWSER, "origin": self.base_url},
            )
            return _answer(posted)

    def mail(self, wish: MailWish, patience: float) -> dict[str, Any]:
        """The newest mail that is meant. Raises: StackRefusedError when none comes in time."""
        end = time.monotonic() + patience
        while True:
            items = self.local.get("inbox")["items"]
            for mail in items:
                to = ", ".join([*mail["to"], *mail["cc"], *mail["bcc"]])
                if wish.to.lower() in to.lower() and wish.subject in mail["subject"]:
                    return dict(mail)
            if time.monotonic() > end:
                raise StackRefusedError(
                    f"no mail to {wish.to or 'anybody'} about {wish.subject or 'anything'}"
                )
            time.sleep(_STEP_SECONDS)

    def after_mail(self, mail: Mapping[str, Any], then: str) -> None:
        """What becomes of a mail: a report, or a scanner that opens its links."""
        if then == "scan":
            for link in mail["links"]:
                if link.startswith(self.base_url):
                    visit(link)
        else:
            self.local.post(f"{path_of('inbox', str(mail['id']))}/simulate", {"outcome": then})

    def receiver(self) -> Receiver:
        """The listener of this play."""
        if self._receiver is None:
            self._receiver = Receiver()
            self.known["receiver"] = {"url": self._receiver.url}
        return self._receiver

    def _proof(self, by: str) -> dict[str, str]:
        if by == "nobody":
            return {}
        if by in ("company", "operator"):
            key = self.operator_key if by == "operator" else self.key
            return {"authorization": f"Bearer {key}"}
        return self._session(by)


class _Forms(HTMLParser):
    """The forms of a page: where each posts to, its fields and what is hidden in it."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, set[str], dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((given.get("action", ""), set(), {}))
        elif self.forms and given.get("name"):
            _, fields, hidden = self.forms[-1]
            fields.add(given["name"])
            if given.get("type") == "hidden":
                hidden[given["name"]] = given.get("value", "")


def form_of(html: str, fields: set[str]) -> tuple[str, dict[str, str]] | None:
    """Target and hidden fields of the first form that has all of ``fields``, if any has."""
    parser = _Forms()
    parser.feed(html)
    found = (form for form in parser.forms if fields <= form[1])
    return next(((action, hidden) for action, _, hidden in found), None)


def _answer(answer: httpx.Response) -> Answer:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    kind = headers.get("content-type", "")
    body: Any = answer.text
    if "json" in kind and answer.content:
        body = json.loads(answer.content)
    return Answer(answer.status_code, headers, body)
