"""Every answer of the API that a test gets is compared with the description, or recorded for it.

``make answers`` (KOPRU_ANSWERS=record) records: objects remember the function ``…_out`` that made
them, and words the enumeration they belong to, so that schemas have names and all words.
"""

import base64
import functools
import importlib
import inspect
import json
import os
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from types import ModuleType
from typing import Any, Final

from infra.tools import openapi
from infra.tools.answers import ITSELF, JSON, PROBLEM, Answer, Description
from tests.support.answer_shapes import Named, Recording, Word
from toolkit.entrypoints.http import HttpApp, Kind, Reply, Request, Route

RECORDING: Final = os.environ.get("KOPRU_ANSWERS") == "record"
_LIST: Final = "list_out"
"""A page of a list is what its items are, so it has no name of its own."""
_MAKERS: Final = ("schemas", "handlers.http.answers", "handlers.http.approval_answers")


class Listener:
    """Stands at the door of every context."""

    def __init__(self) -> None:
        self._known = {f"{route.method} {route.path}" for route in openapi.routes()}
        self._description = Description.read()
        self.recording = Recording()
        self._call = HttpApp._call

    def listen(self) -> Callable[..., Any]:
        """What replaces ``HttpApp._call``."""

        def call(
            app: HttpApp,
            route: str,
            kind: Kind,
            permission: str | None,
            function: Route,
            values: Mapping[str, str],
        ) -> Any:
            replies: list[Reply] = []

            def heard(request: Request) -> Reply:
                replies.append(function(request))
                return replies[-1]

            response = self._call(app, route, kind, permission, heard, values)
            operation = f"{app._resolver.current_event.http_method} {route}"
            if kind == "api" and operation in self._known:
                self._hear(_answer(operation, replies, response))
            return response

        return call

    def _hear(self, answer: Answer) -> None:
        if RECORDING:
            self.recording.add(answer)
            return
        if answer.content_type == PROBLEM:
            return
        found = self._description.differences(answer)
        assert not found, f"{answer.operation} {answer.status}: {found}; run `make answers`"


def _answer(operation: str, replies: Sequence[Reply], response: Any) -> Answer:
    content_type = response.headers["content-type"].partition(";")[0] if response.body else ""
    if operation == ITSELF and content_type == JSON:
        return Answer(operation, response.status_code, content_type, {})
    body = replies[-1].body if content_type == JSON and RECORDING else None
    if content_type in (JSON, PROBLEM) and not isinstance(body, dict | list):
        text = base64.b64decode(response.body) if response.base64_encoded else response.body
        body = json.loads(text)
    return Answer(operation, response.status_code, content_type, body)


@functools.cache
def listener() -> Listener:
    """The listener of this process."""
    made = Listener()
    if RECORDING:
        _name_objects()
        _name_words()
    return made


def write() -> None:
    """Keep what was recorded."""
    contexts = {
        f"{route.method} {route.path}": route.function.__module__.partition(".")[0]
        for route in openapi.routes()
    }
    listener().recording.write(contexts)


def _contexts() -> set[str]:
    return {name.partition(".")[0] for name in openapi.DOORS}


def _name_objects() -> None:
    for context in sorted(_contexts()):
        for module in _makers(context):
            for name, made in list(vars(module).items()):
                own = getattr(made, "__module__", "") == module.__name__
                if own and inspect.isfunction(made) and name.endswith("_out") and name != _LIST:
                    words = name.removesuffix("_out").strip("_").split("_")
                    _replace(
                        made, _naming(f"{context}.{''.join(map(str.capitalize, words))}", made)
                    )


def _makers(context: str) -> Iterator[ModuleType]:
    """Modules whose functions make answers; one that has outgrown its file is a package."""
    for part in _MAKERS:
        try:
            module = importlib.import_module(f"{context}.{part}")
        except ModuleNotFoundError:
            continue
        yield module
        for inner in pkgutil.iter_modules(getattr(module, "__path__", ())):
            yield importlib.import_module(f"{module.__name__}.{inner.name}")


def _naming(name: str, made: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(made)
    def named(*args: Any, **kwargs: Any) -> Any:
        value = made(*args, **kwargs)
        return Named(name, value) if isinstance(value, dict) else value

    return named


def _replace(old: object, new: object) -> None:
    for module in list(sys.modules.values()):
        for name, value in list(vars(module).items()):
            if value is old:
                setattr(module, name, new)


def _name_words() -> None:
    kinds = {
        value
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] in {*_contexts(), "kernel"}
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, StrEnum)
    }
    for kind in kinds:
        for member in kind:
            word = Word(member.value)
            word.kind = kind
            member._value_ = word
