"""The timeline of one item of any context, with what stands behind its lines."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import TimelineEntry
from webkit.exchanges import TITLE
from webkit.i18n import Language
from workspace.domain.behind import exchanges_behind, why_behind
from workspace.domain.subject import Subject, items_named
from workspace.pages.addresses import item_address
from workspace.pages.kit import Kit, cursor_in, paging, use
from workspace.pages.spine import actors_of, instant_of, subject_label
from workspace.pages.words import (
    action_summary,
    action_tone,
    role_name,
    state_word,
    subject_name,
    words_of,
)
from workspace.ports import HistoryView

_HISTORY: Final = 200


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a timeline: their words, the names they know, what they may open."""

    words: Language
    actors: dict[str, str]
    may: Callable[[str], bool]


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the page of timelines."""

    @app.page("GET", "/timeline/{kind}/{id}", permission="workspace:timeline:read")
    def show_timeline(request: Request) -> Reply:
        """Everything that happened to one item."""
        subject = Subject.parse(f"{request.path_values['kind']}:{request.path_values['id']}")
        position = cursor_in(request, subject=str(subject))
        page = use().read_timeline()(request.tenant, subject, limit=_HISTORY, after=position)
        words = words_of(request)
        reader = Reader(words, actors_of(request.tenant, words), request.principal.may)
        entries = _entries(reader, page.items, str(subject))
        last = page.items[-1].to_state if page.items and page.next is None else ""
        return kit.draw(
            request,
            "timeline/timeline.html",
            "",
            {
                "subject": subject,
                "kind_name": subject_name(words, subject.kind),
                "address": item_address(str(subject)),
                "entries": entries,
                "state": state_word(words, last) if last else None,
                "paging": paging(request, len(entries), page.next, subject=str(subject)),
            },
        )


def _entries(reader: Reader, items: Sequence[HistoryView], subject: str) -> list[TimelineEntry]:
    """Lines of a timeline; what happened again in the same way is one line that counts."""
    entries: list[TimelineEntry] = []
    before: tuple[object, ...] = ()
    for item in items:
        same = (item.action, item.from_state, item.to_state, item.actor, dict(item.detail))
        if same == before:
            entries[-1] = replace(entries[-1], repeats=entries[-1].repeats + 1)
        else:
            entries.append(_entry(reader, item, subject))
        before = same
    return entries


def _entry(reader: Reader, item: HistoryView, subject: str) -> TimelineEntry:
    words = reader.words
    kind = item.actor.partition(":")[0]
    unknown = {"system": "Köprü", "key": words.text("a program")}
    actor = reader.actors.get(item.actor) or unknown.get(kind, words.text("somebody"))
    return TimelineEntry(
        title=action_summary(words, item),
        at=instant_of(item.at),
        actor=actor,
        tone=action_tone(item.action),
        facts=_facts(words, item),
        links=(*_related(reader, item, subject), *_behind(reader, item, subject)),
        raw={"type": item.action, "from": item.from_state, "to": item.to_state} | dict(item.detail),
    )


def _related(reader: Reader, item: HistoryView, subject: str) -> tuple[tuple[str, str], ...]:
    label = subject_label(reader.words)
    named = (each for each in items_named(item.detail) if each != subject)
    return tuple((label(each), item_address(each)) for each in named)


def _behind(reader: Reader, item: HistoryView, subject: str) -> tuple[tuple[str, str], ...]:
    """Why, and what was sent and answered, for those who may open it."""
    words = reader.words
    why = why_behind(subject, item.action, item.detail)
    found = [(words.text("Why?"), why)] if why is not None else []
    label = words.text(TITLE)
    found += [(label, each) for each in exchanges_behind(subject, item.action, item.detail)]
    return tuple((name, each.page) for name, each in found if reader.may(each.place.permission))


def _facts(words: Language, item: HistoryView) -> tuple[tuple[str, str], ...]:
    roles = item.detail.get("roles")
    if not isinstance(roles, list) or not roles:
        return ()
    names = ", ".join(role_name(words, str(role)) for role in roles)
    return ((words.text("Roles"), names),)
