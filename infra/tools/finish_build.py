"""Finishes what ``sam build`` made: smaller, compiled, measured (performance.md §2).

Lambda's file system is read-only, so source without ``.pyc`` is compiled at every cold start: 2.9
times the work of an import. botocore ships the description of every service of AWS and Babel every
language of the world; we use a handful. Each step has a switch and a test.
"""

import argparse
import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from samtranslator.yaml_helper import yaml_parse

from infra.tools.interpreters import lambda_python

ROOT: Final = Path(__file__).resolve().parents[2]
LIMIT_BYTES: Final = 250 * 1024 * 1024
"""Function and layers together, unpacked. Source: AWS Lambda quotas."""

AWS_SERVICES: Final = frozenset(
    {"dynamodb", "events", "kms", "s3", "secretsmanager", "sesv2", "sqs", "stepfunctions"}
)
"""Services our code makes clients of; a test compares this with the code."""

AARCH64: Final = 183
"""Machine number of arm64 in an ELF header. Source: ELF for the Arm 64-bit architecture."""

LOCALES: Final = ("el", "en", "tr")
# Data that lies beside the code of a package and is never read by ours.
UNUSED: Final = (
    "bin",
    "boto3/data",
    "boto3/examples",
    "lxml/includes",
    "phonenumbers/carrierdata",
    "phonenumbers/geodata",
    "phonenumbers/tzdata",
)
# Not `docs`: botocore and boto3 import theirs.
# Packages that only pass names on, and import everything they have to do it.
LAZY: Final = (
    "aws_lambda_powertools/event_handler",
    "aws_lambda_powertools/utilities/data_classes",
)
UNUSED_FOLDERS: Final = frozenset({"__pycache__", "test", "tests"})
UNUSED_SUFFIXES: Final = frozenset({".pyi", ".pyx", ".pxd", ".pxi", ".c", ".h", ".cpp"})


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def trim_packages(packages: Path) -> None:
    """Remove tests, documentation, type stubs and C sources of third-party packages."""
    for name in UNUSED:
        shutil.rmtree(packages / name, ignore_errors=True)
    folders = [path for path in packages.rglob("*") if path.is_dir()]
    for folder in folders:
        if folder.name in UNUSED_FOLDERS:
            shutil.rmtree(folder, ignore_errors=True)
    for path in list(packages.rglob("*")):
        if path.is_file() and (path.suffix in UNUSED_SUFFIXES or path.name == "RECORD"):
            path.unlink()


def trim_data(packages: Path) -> None:
    """Keep the AWS services and the languages that the product uses."""
    services = packages / "botocore" / "data"
    if services.is_dir():
        for folder in services.iterdir():
            if folder.is_dir() and folder.name not in AWS_SERVICES:
                shutil.rmtree(folder)
    locales = packages / "babel" / "locale-data"
    if locales.is_dir():
        for path in locales.glob("*.dat"):
            if path.stem != "root" and path.stem.split("_")[0] not in LOCALES:
                path.unlink()


def trim_imports(packages: Path) -> None:
    """Stop imports of what no function of ours uses: other kinds of events, help texts, types that
    only a type checker reads.

    Powertools imports the resolvers and event classes of every AWS service when it is asked for
    one, botocore its generator of documentation when it is asked for a client: together a quarter
    of the start of a function (bench/cold.py). pydantic describes its schemas in ninety typed
    dictionaries, and makes plain ones: another twenty-fifth of a function that reads a body.
    """
    for name in LAZY:
        if (packages / name).is_dir():
            make_lazy(packages / name)
    documentation = packages / "botocore" / "docs"
    if documentation.is_dir():
        _replace(documentation / "__init__.py", _NO_DOCUMENTATION)
        _replace(documentation / "docstring.py", _NO_HELP)
    schemas = packages / "pydantic_core" / "core_schema.py"
    if schemas.is_file():
        text = schemas.read_text(encoding="utf-8")
        _replace(schemas, _TYPED_DICTIONARY.sub(_plain_class, text))


_TYPED_DICTIONARY: Final = re.compile(r"^(class \w+)\((\w+)(?:, total=False)?\):$", re.MULTILINE)
# boto3 asks for the name.
_NO_DOCUMENTATION: Final = "DEPRECATED_SERVICE_NAMES = {'sms-voice'}\n"
_NO_HELP: Final = '''"""Help texts of clients: none, because nobody asks a function for help."""


class LazyLoadedDocstring(str):
    def __new__(cls, *args, **kwargs):
        return super().__new__(cls)


class ClientMethodDocstring(LazyLoadedDocstring):
    pass


class WaiterDocstring(LazyLoadedDocstring):
    pass


class PaginatorDocstring(LazyLoadedDocstring):
    pass
'''


def _plain_class(line: re.Match[str]) -> str:
    """The first line of a class that is no typed dictionary any more."""
    base = "dict" if line[2] == "TypedDict" else line[2]
    return f"{line[1]}({base}):"


_GETATTR: Final = """

def __getattr__(name):
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module, own = _PLACES[name]
    value = globals()[name] = getattr(import_module(module, __name__), own)
    return value
"""


def make_lazy(package: Path) -> None:
    """Let a package that passes names on import their modules when a name is asked for.

    A name that is also the name of its module stays as it is: it could not be told from the module.
    Raises: ValueError when the package does anything else.
    """
    init = package / "__init__.py"
    tree = ast.parse(init.read_text(encoding="utf-8"))
    kept: list[str] = []
    places: dict[str, tuple[str, str]] = {}
    for node in tree.body:
        match node:
            case ast.ImportFrom(module=module, names=names, level=level):
                for alias in names:
                    if (module or "").rpartition(".")[2] == alias.name:
                        kept.append(ast.unparse(node))
                    else:
                        origin = "." * level + (module or "")
                        places[alias.asname or alias.name] = (origin, alias.name)
            case ast.Expr(value=ast.Constant()) | ast.Assign(targets=[ast.Name(id="__all__")]):
                kept.append(ast.unparse(node))
            case _:
                what = ast.unparse(node)[:80]
                raise ValueError(f"{init} does more than pass names on: {what}")
    _replace(init, "\n".join([*kept, f"_PLACES = {places!r}", _GETATTR]))


def _replace(path: Path, text: str) -> None:
    """A new file in place of an old one, which may be a link to somebody else's."""
    path.unlink()
    path.write_text(text, encoding="utf-8")


def compile_sources(folders: Iterable[Path], python: Path) -> None:
    """Write ``.pyc`` files that are believed without looking at their source.

    Unchecked hashes, because the time stamps of an unpacked artifact mean nothing.
    """
    command = [
        *(str(python), "-m", "compileall", "-q", "-j", "0"),
        *("--invalidation-mode", "unchecked-hash"),
        *(str(folder) for folder in folders),
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603


def foreign_binaries(folder: Path) -> list[Path]:
    """Libraries that Lambda could not load: another processor, or another version of Python."""
    found = []
    for path in sorted(folder.rglob("*.so*")):
        header = path.read_bytes()[:20]
        machine = int.from_bytes(header[18:20], "little")
        tag = re.search(r"\.cpython-(\d+)", path.name)
        fits = tag is None or tag[1] == "313"
        if header[:4] != b"\x7fELF" or machine != AARCH64 or not fits:
            found.append(path)
    return found


@dataclass(frozen=True, slots=True)
class Artifacts:
    """What one build consists of: folders of functions and of layers, by logical id."""

    functions: dict[str, Path]
    layers: dict[str, Path]

    @classmethod
    def of(cls, build: Path) -> "Artifacts":
        """Read the built template."""
        template = yaml_parse((build / "template.yaml").read_text(encoding="utf-8"))
        found: dict[str, dict[str, Path]] = {"CodeUri": {}, "ContentUri": {}}
        kinds = {
            "AWS::Serverless::Function": "CodeUri",
            "AWS::Serverless::LayerVersion": "ContentUri",
        }
        for logical_id, resource in template["Resources"].items():
            member = kinds.get(resource["Type"])
            if member:
                found[member][logical_id] = (build / resource["Properties"][member]).resolve()
        return cls(found["CodeUri"], found["ContentUri"])

    @property
    def folders(self) -> list[Path]:
        """Every folder once."""
        return sorted({*self.functions.values(), *self.layers.values()})


def report(artifacts: Artifacts) -> tuple[list[str], bool]:
    """Lines with sizes, and whether every function fits."""
    layers = {name: size_of(path) for name, path in artifacts.layers.items()}
    together = sum(layers.values())
    lines = [f"{name:<38}{_megabytes(size)}" for name, size in layers.items()]
    fits = True
    for name, path in artifacts.functions.items():
        own = size_of(path)
        whole = own + together
        fits = fits and whole <= LIMIT_BYTES
        lines.append(f"{name:<38}{_megabytes(own)}  with layers {_megabytes(whole)}")
    return lines, fits


def _megabytes(size: int) -> str:
    return f"{size / 1024 / 1024:8.2f} MB"


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line of ``make build``; 1 when Lambda would refuse or could not load the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path, help="folder that sam build wrote")
    parser.add_argument("--keep-packages", action="store_true", help="leave tests and stubs in")
    parser.add_argument("--keep-data", action="store_true", help="leave all data files in")
    parser.add_argument("--keep-imports", action="store_true", help="leave imports as they are")
    parser.add_argument("--no-compile", action="store_true", help="write no .pyc files")
    options = parser.parse_args(arguments)
    artifacts = Artifacts.of(options.build)
    packages = artifacts.layers["DependenciesLayer"] / "python"
    foreign = [path for folder in artifacts.folders for path in foreign_binaries(folder)]
    if foreign:
        _say("not for arm64 and Python 3.13: " + ", ".join(path.name for path in foreign))
        return 1
    before = size_of(packages)
    if not options.keep_packages:
        trim_packages(packages)
    if not options.keep_data:
        trim_data(packages)
    if not options.keep_imports:
        trim_imports(packages)
    _say(f"dependencies: {_megabytes(before)} as installed, {_megabytes(size_of(packages))} kept")
    python = None if options.no_compile else lambda_python()
    if python is not None:
        compile_sources(artifacts.folders, python)
        _say("compiled for Python 3.13")
    elif not options.no_compile:
        _say("NOT compiled: no Python 3.13 on this machine; cold starts of this build are slower")
    lines, fits = report(artifacts)
    for line in lines:
        _say(line)
    if not fits:
        _say(f"too large: Lambda takes {_megabytes(LIMIT_BYTES).strip()} with layers")
    return 0 if fits else 1


if __name__ == "__main__":
    raise SystemExit(main())
