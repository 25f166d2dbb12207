"""The dependency rules of style.md §9 as a table, and a walk over syntax trees that checks them.

Every file of ``functions/`` and ``layers/common/`` belongs to one part, and every part has an
allow-list: what is not listed is a violation, so a new part or package is a decision and not an
accident. The walk reads files and imports nothing, therefore it can be run on a bad example too.
"""

import ast
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

CONTEXTS: Final = (
    "workspace",
    "pensions",
    "payment_codes",
    "reconciliation",
    "card_contracts",
    "workflow",
)
LAYERS: Final = ("kernel", "toolkit", "webkit")

# What a context consists of: all six are equal (style.md §8). A module of them that outgrows one
# file becomes the package of its name.
ENTRIES: Final = frozenset(
    {
        "__init__.py",
        "adapters",
        "application",
        "bootstrap.py",
        "domain",
        "handlers",
        "pages",
        "ports.py",
        "schemas.py",
        "settings.py",
    }
)

# Parts of the standard library that decide or do something the inner parts must not.
IMPURE: Final = frozenset(
    {
        "http",
        "io",
        "json",
        "logging",
        "os",
        "pathlib",
        "random",
        "secrets",
        "shutil",
        "socket",
        "subprocess",
        "tempfile",
        "threading",
        "time",
        "urllib",
        "uuid",
    }
)

# The kernel may use what only computes: texts as JSON, parts of addresses, buffers.
PURE_TOOLS: Final = (IMPURE - {"io", "json", "os", "urllib"}) | {"urllib.request", "urllib.error"}


@dataclass(frozen=True, slots=True)
class Allowed:
    """What files of one part may import.

    Shapes: ``own`` are parts of the same context, ``shared`` are modules of the layers (a module
    covers what is below it), ``third`` are third-party packages, ``refused`` parts of the standard
    library.
    """

    own: frozenset[str]
    shared: frozenset[str]
    third: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    any_third: bool = False


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


PARTS: Final[dict[str, Allowed]] = {
    # 1. Time and ids are arguments; nothing is logged, read or sent. A canonical text is a value.
    "domain": Allowed(_names("domain"), _names("kernel"), refused=IMPURE - {"json"}),
    # 2. One use case per file; `toolkit.auth` says who acts and may, nothing else of the plumbing.
    "application": Allowed(
        _names("application domain ports"), _names("kernel toolkit.auth"), refused=IMPURE
    ),
    # 3. The caller owns the port.
    "ports": Allowed(_names("domain ports"), _names("kernel toolkit.auth"), refused=IMPURE),
    # 4. Both sides of a port meet here; `transformers` and `faults` stay pure. Of webkit only what
    # writes letters.
    "adapters": Allowed(
        _names("adapters domain ports settings"),
        _names("kernel toolkit webkit.mail webkit.pdf"),
        any_third=True,
    ),
    "adapters.pure": Allowed(
        _names("adapters domain ports"),
        _names("kernel toolkit.soap"),
        _names("lxml"),
        refused=IMPURE - {"json"},
    ),
    # 5. A handler names its trigger and its command, a page its questions and its words. The HTTP
    # edge shows what use cases answer, so it may read values of the domain; it decides nothing.
    "handlers": Allowed(
        _names("application bootstrap handlers schemas"),
        _names("kernel toolkit.auth toolkit.entrypoints toolkit.http"),
    ),
    "handlers.http": Allowed(
        _names("application bootstrap domain handlers pages ports schemas"),
        _names("kernel toolkit.auth toolkit.entrypoints toolkit.http webkit"),
    ),
    "pages": Allowed(
        _names("application bootstrap domain pages ports schemas"),
        _names("kernel toolkit.auth toolkit.entrypoints toolkit.http webkit"),
        # A form is read into a model of `schemas`, whatever it is: that takes the base class.
        _names("jinja2 markupsafe pydantic"),
    ),
    "schemas": Allowed(
        _names("schemas domain ports"), _names("kernel toolkit.http"), _names("pydantic"), IMPURE
    ),
    "settings": Allowed(frozenset(), _names("kernel toolkit.settings"), refused=IMPURE),
    "bootstrap": Allowed(
        _names("adapters application domain ports settings"),
        _names("kernel toolkit webkit"),
    ),
    "package": Allowed(frozenset(), frozenset()),
    # 7. The layers know no context.
    "kernel": Allowed(frozenset(), _names("kernel"), refused=PURE_TOOLS),
    "toolkit": Allowed(frozenset(), _names("kernel toolkit"), any_third=True),
    "webkit": Allowed(frozenset(), _names("kernel webkit toolkit.auth"), any_third=True),
    # Between the HTTP entry point and the renderer.
    "webkit.refused_events": Allowed(
        frozenset(), _names("kernel webkit toolkit.entrypoints toolkit.http"), any_third=True
    ),
    "webkit.reader": Allowed(
        frozenset(), _names("kernel webkit toolkit.entrypoints toolkit.http"), any_third=True
    ),
}

# Handlers that answer HTTP requests, beside the route modules in `handlers/http/`.
HTTP_DOORS: Final = frozenset(
    {"api", "receive_notification", "show_feed", "show_pay_page", "test_credentials"}
)

# 8. One place for each door to the outside.
ENVIRONMENT_READERS: Final = frozenset({"layers/common/toolkit/settings.py"})
SECRET_READERS: Final = frozenset({"layers/common/toolkit/aws/secrets.py"})
CLIENT_MAKERS: Final = frozenset(
    {
        "layers/common/toolkit/aws/clients.py",
        "layers/common/toolkit/http/client.py",
        "layers/common/toolkit/soap/client.py",
    }
)
QUERY_CALLERS: Final = frozenset({"layers/common/toolkit/aws/dynamodb.py"})
WALL_CLOCKS: Final = frozenset({"layers/common/kernel/clock.py"})
# A stopwatch is not a clock: it says how long, never when.
STOPWATCH_PARTS: Final = frozenset({"adapters", "toolkit"})

_CLOCK_CALLS: Final = frozenset(
    {
        "datetime.now",
        "datetime.today",
        "datetime.utcnow",
        "date.today",
        "time.time",
        "time.time_ns",
        "time.localtime",
        "time.gmtime",
    }
)
_CLIENT_CALLS: Final = frozenset(
    {
        "boto3.client",
        "boto3.resource",
        "boto3.session.Session",
        "boto3.Session",
        "httpx.Client",
        "httpx.AsyncClient",
        "requests.Session",
        "zeep.Client",
    }
)
_DATABASE_ESCAPES: Final = frozenset(
    {"scan", "execute_statement", "batch_execute_statement", "export_table_to_point_in_time"}
)


@dataclass(frozen=True, slots=True)
class Source:
    """One file: where it is, which context and part it belongs to."""

    path: PurePosixPath
    context: str
    part: str
    tree: ast.Module

    @property
    def label(self) -> str:
        """Path as it is shown in a violation."""
        return str(self.path)


def part_of(path: PurePosixPath) -> tuple[str, str]:
    """Context (or layer) and part of a file.

    Raises: ValueError for a file that belongs to no part.
    """
    parts = path.parts
    if parts[:2] == ("layers", "common") and len(parts) > 2 and parts[2] in LAYERS:
        inner = f"{parts[2]}.{path.stem}"
        return parts[2], inner if inner in PARTS else parts[2]
    if parts[0] != "functions" or len(parts) < 3 or parts[1] not in CONTEXTS:
        message = f"{path} belongs to no part"
        raise ValueError(message)
    context, inner = parts[1], parts[2].removesuffix(".py")
    if inner == "__init__":
        return context, "package"
    if inner == "adapters" and path.stem in {"transformers", "faults"}:
        return context, "adapters.pure"
    if inner == "handlers" and (parts[3] == "http" or path.stem in HTTP_DOORS):
        return context, "handlers.http"
    if inner not in PARTS:
        message = f"{path} belongs to no part"
        raise ValueError(message)
    return context, inner


def sources(root: Path) -> Iterator[Source]:
    """Every Python file of the contexts and layers below ``root``."""
    for folder in ("functions", "layers/common"):
        for path in sorted((root / folder).rglob("*.py")):
            relative = PurePosixPath(path.relative_to(root).as_posix())
            context, part = part_of(relative)
            yield Source(relative, context, part, ast.parse(path.read_text(encoding="utf-8")))


def imported_modules(source: Source) -> Iterator[tuple[int, str]]:
    """Line and full name of everything a file imports, ``from a import b`` as ``a.b`` too."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = source.path.with_suffix("").parts[:-1][1:]
                if package[:1] == ("common",):
                    package = package[1:]
                keep = package[: len(package) - node.level + 1]
                base = ".".join([*keep, *([base] if base else [])])
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"


def _covers(names: frozenset[str], module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in names)


def _import_complaint(source: Source, module: str) -> str | None:
    allowed = PARTS[source.part]
    top, _, rest = module.partition(".")
    if top in CONTEXTS:
        if source.context in LAYERS:
            return f"a layer imports the context {top}"
        if top != source.context:
            return f"imports the other context {top}"
        inner = rest.partition(".")[0]
        if not inner or inner in allowed.own:
            return None
        return f"{source.part} imports {inner} of its context"
    if top in LAYERS:
        return None if _covers(allowed.shared, module) else f"{source.part} imports {module}"
    if top in {"infra", "tests", "bench"}:
        return f"imports {top}, which nothing imports"
    if top in sys.stdlib_module_names:
        return f"{source.part} imports {top}" if _covers(allowed.refused, module) else None
    if allowed.any_third or top in allowed.third:
        return None
    return f"{source.part} imports the package {top}"


def import_violations(source: Source) -> Iterator[str]:
    """Imports that the part of a file does not allow."""
    for line, module in imported_modules(source):
        complaint = _import_complaint(source, module)
        if complaint is not None:
            yield f"{source.label}:{line}: {complaint}"


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def call_violations(source: Source) -> Iterator[str]:
    """Clocks, environment, secrets, clients and queries outside their one place."""
    path = source.label
    for node in ast.walk(source.tree):
        dotted = _dotted(node) if isinstance(node, ast.Attribute) else ""
        tail = ".".join(dotted.split(".")[-2:])
        where = f"{path}:{getattr(node, 'lineno', 0)}"
        if tail in _CLOCK_CALLS and path not in WALL_CLOCKS:
            yield f"{where}: reads the clock ({tail})"
        if tail in {"time.monotonic", "time.perf_counter"} and (
            source.part.partition(".")[0] not in STOPWATCH_PARTS
        ):
            yield f"{where}: measures time in {source.part}"
        if tail in {"os.environ", "os.getenv"} and path not in ENVIRONMENT_READERS:
            yield f"{where}: reads the environment"
        if dotted.endswith(".get_secret_value") and path not in SECRET_READERS:
            yield f"{where}: reads a secret"
        if not isinstance(node, ast.Call):
            continue
        called = _dotted(node.func)
        if called in _CLIENT_CALLS and path not in CLIENT_MAKERS:
            yield f"{where}: makes a client ({called})"
        if called.rpartition(".")[2] in _DATABASE_ESCAPES:
            yield f"{where}: goes round the keys ({called})"
        if called.endswith("client.query") and path not in QUERY_CALLERS:
            yield f"{where}: queries without the paginating helper"


def module_level_violations(source: Source) -> Iterator[str]:
    """Clients made while a module is imported."""
    for statement in source.tree.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Call):
                name = _dotted(node.func)
                if name in _CLIENT_CALLS or name == "client" or name.endswith("clients.client"):
                    yield f"{source.label}:{node.lineno}: makes a client at import ({name})"


def float_violations(source: Source) -> Iterator[str]:
    """Floating point numbers where money and rates are decided (seconds elsewhere are no money)."""
    if source.part != "domain":
        return
    for node in ast.walk(source.tree):
        literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
        if literal or (isinstance(node, ast.Name) and node.id == "float"):
            yield f"{source.label}:{node.lineno}: uses a float"  # type: ignore[attr-defined]


CHECKS: Final = (
    import_violations,
    call_violations,
    module_level_violations,
    float_violations,
)


def violations(root: Path) -> list[str]:
    """Everything below ``root`` that breaks a rule, as ``path:line: complaint``."""
    found = []
    for source in sources(root):
        for check in CHECKS:
            found += list(check(source))
    return found


def _as_module(folder: str) -> str:
    """Name of the module that a package stands for, if a context has such a module."""
    module = f"{folder}.py"
    return module if module in ENTRIES else folder


def entries_of(context: Path) -> set[str]:
    """Names in the folder of a context that count for its layout."""
    return {
        path.name if path.is_file() or path.name in ENTRIES else _as_module(path.name)
        for path in context.iterdir()
        if path.name not in {"__pycache__", "py.typed"} and not path.name.startswith(".")
    }


def missing_entries(context: Path) -> Sequence[str]:
    """What a context lacks, or has beside what all have."""
    return sorted(entries_of(context) ^ ENTRIES)
