"""What `make build` does to artifacts: smaller, compiled, measured, and still working."""

import ast
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.tools import finish_build
from infra.tools.interpreters import lambda_python
from tests.infra import stack

# What a process needs to make every client, read a body and format a date: only text is changed,
# so the copy of this machine stands for the arm64 one.
COPIED = (
    "boto3",
    "botocore",
    "s3transfer",
    "jmespath",
    "dateutil",
    "urllib3",
    "babel",
    "phonenumbers",
    "aws_lambda_powertools",
    "annotated_types",
    "pydantic",
    "pydantic_core",
    "typing_inspection",
)
MODULES = ("six", "typing_extensions")


def _write(path: Path, text: str = "x = 1\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _link(source: str, target: str) -> None:
    """Place a file without copying it where the file system allows; removing it harms nobody."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy(source, target)


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copies of installed packages, trimmed as the build does it."""
    folder = tmp_path_factory.mktemp("packages")
    for name in COPIED:
        module = importlib.metadata.distribution({"dateutil": "python-dateutil"}.get(name, name))
        shutil.copytree(
            Path(str(module.locate_file(name))),
            folder / name,
            copy_function=_link,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    for name in MODULES:
        file = importlib.metadata.distribution(name).locate_file(f"{name}.py")
        shutil.copy(Path(str(file)), folder)
    finish_build.trim_packages(folder)
    finish_build.trim_data(folder)
    finish_build.trim_imports(folder)
    return folder


def _run(packages: Path, program: str) -> str:
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            f"import sys; sys.path.insert(0, {str(packages)!r})\n{program}",
        ],
        capture_output=True,
        text=True,
        check=False,
        env={
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
        },
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


def _services_in_code() -> set[str]:
    """Names given to ``client(...)`` and to the lazy clients of the platform."""
    found: set[str] = set()
    for folder in ("functions", "layers/common"):
        for path in (stack.ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and node.args:
                    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                    value = getattr(node.args[-1], "value", None)
                    if name in {"client", "_Lazy"} and isinstance(value, str):
                        found.add(value)
    return found


def test_kept_services_are_those_the_code_uses() -> None:
    used = _services_in_code()
    # Approval chains of the workflow context are next; its data is one small file.
    assert used <= finish_build.AWS_SERVICES
    assert finish_build.AWS_SERVICES - used <= {"stepfunctions"}


def test_trimmed_botocore_makes_every_client(packages: Path) -> None:
    services = sorted(finish_build.AWS_SERVICES)
    program = (
        "import boto3, json\n"
        f"made = [boto3.client(name).meta.service_model.service_name for name in {services!r}]\n"
        "print(json.dumps(made))"
    )
    assert json.loads(_run(packages, program)) == services
    assert finish_build.size_of(packages / "botocore") < 8 * 1024 * 1024


def test_lazy_packages_give_every_name(packages: Path) -> None:
    program = (
        "import importlib, json, sys\n"
        "from aws_lambda_powertools.event_handler import APIGatewayHttpResolver\n"
        "early = [name for name in sys.modules if name.endswith(('.appsync', '.kafka_event'))]\n"
        "given = {}\n"
        "for name in ('event_handler', 'utilities.data_classes'):\n"
        "    package = importlib.import_module(f'aws_lambda_powertools.{name}')\n"
        "    given[name] = [callable(getattr(package, each)) for each in package.__all__]\n"
        "print(json.dumps([early, given]))"
    )
    early, given = json.loads(_run(packages, program))
    assert early == []
    assert all(len(each) > 15 and all(each) for each in given.values())


def test_trimmed_pydantic_builds_checks_and_describes(packages: Path) -> None:
    program = (
        "import json, typing\n"
        "from datetime import date\n"
        "from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator\n"
        "import pydantic_core.core_schema as schemas\n"
        "class Line(BaseModel):\n"
        "    model_config = ConfigDict(extra='forbid', strict=True)\n"
        "    kind: typing.Literal['a', 'b']\n"
        "    on: date | None = None\n"
        "class Body(BaseModel):\n"
        "    model_config = ConfigDict(extra='forbid', defer_build=True)\n"
        "    lines: list[Line] = Field(max_length=2)\n"
        "    facts: dict[str, int | str] = {}\n"
        "    @field_validator('facts')\n"
        "    @classmethod\n"
        "    def few(cls, value): return value\n"
        "sent = json.dumps({'lines': [{'kind': 'a', 'on': '2026-01-02'}]})\n"
        "made = Body.model_validate_json(sent)\n"
        "try:\n    Body.model_validate({'lines': [{'kind': 'c'}], 'x': 1})\n"
        "except ValidationError as error:\n    wrong = [one['type'] for one in error.errors()]\n"
        "typed = [n for n, v in vars(schemas).items() if typing.is_typeddict(v)]\n"
        "said = sorted(Body.model_json_schema()['properties'])\n"
        "print(json.dumps([made.model_dump(mode='json'), wrong, typed, said]))"
    )
    made, wrong, typed, said = json.loads(_run(packages, program))
    assert made == {"lines": [{"kind": "a", "on": "2026-01-02"}], "facts": {}}
    assert wrong == ["literal_error", "extra_forbidden"]
    assert typed == []
    assert said == ["facts", "lines"]


def test_a_package_that_does_more_than_pass_names_on_is_refused(tmp_path: Path) -> None:
    _write(tmp_path / "__init__.py", "from a import b\nb()\n")
    with pytest.raises(ValueError, match="more than pass names on"):
        finish_build.make_lazy(tmp_path)


def test_trimmed_babel_speaks_the_three_languages(packages: Path) -> None:
    program = (
        "from datetime import date\n"
        "from babel.dates import format_date\n"
        "print([format_date(date(2026, 5, 4), 'long', l) for l in ('tr', 'el', 'en_GB')])"
    )
    assert _run(packages, program) == "['4 Mayıs 2026', '4 Μαΐου 2026', '4 May 2026']"
    kept = {path.stem.split("_")[0] for path in (packages / "babel/locale-data").glob("*.dat")}
    assert kept == {"root", *finish_build.LOCALES}


def test_trimmed_phone_numbers_are_still_judged(packages: Path) -> None:
    program = (
        "import phonenumbers as p\n"
        "n = p.parse('0532 123 45 67', 'TR')\n"
        "print(p.is_valid_number(n), p.number_type(n) == p.PhoneNumberType.MOBILE)"
    )
    assert _run(packages, program) == "True True"
    assert not (packages / "phonenumbers" / "geodata").exists()


def test_tests_stubs_and_caches_of_packages_go_their_code_stays(tmp_path: Path) -> None:
    kept = ["pkg/__init__.py", "pkg/docs/__init__.py", "pkg-1.dist-info/METADATA", "pkg/tests.py"]
    gone = [
        "pkg/tests/test_it.py",
        "pkg/__pycache__/x.pyc",
        "pkg/stub.pyi",
        "pkg/fast.pyx",
        "pkg-1.dist-info/RECORD",
        "bin/tool",
    ]
    for name in kept + gone:
        _write(tmp_path / name)
    finish_build.trim_packages(tmp_path)
    assert [name for name in kept if not (tmp_path / name).exists()] == []
    assert [name for name in gone if (tmp_path / name).exists()] == []


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A folder as sam build leaves it, with one function and two layers."""
    template = {
        "Resources": {
            "OneFunction": {
                "Type": "AWS::Serverless::Function",
                "Properties": {"CodeUri": "OneFunction"},
            },
            "CommonLayer": {
                "Type": "AWS::Serverless::LayerVersion",
                "Properties": {"ContentUri": "CommonLayer"},
            },
            "DependenciesLayer": {
                "Type": "AWS::Serverless::LayerVersion",
                "Properties": {"ContentUri": "DependenciesLayer"},
            },
        }
    }
    _write(tmp_path / "template.yaml", json.dumps(template))
    _write(tmp_path / "OneFunction/one/__init__.py")
    _write(tmp_path / "CommonLayer/python/common.py")
    _write(tmp_path / "DependenciesLayer/python/pkg/__init__.py")
    _write(tmp_path / "DependenciesLayer/python/pkg/tests/test_it.py")
    return tmp_path


def test_every_function_is_measured_with_its_layers(
    built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert finish_build.main([str(built), "--no-compile"]) == 0
    printed = capsys.readouterr().out
    assert "OneFunction" in printed
    assert "with layers" in printed
    assert not (built / "DependenciesLayer/python/pkg/tests").exists()


def test_an_artifact_that_is_too_large_fails_the_build(
    built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(finish_build, "LIMIT_BYTES", 10)
    assert finish_build.main([str(built), "--no-compile"]) == 1
    assert "too large" in capsys.readouterr().out


def test_each_step_can_be_switched_off(built: Path) -> None:
    docs = built / "DependenciesLayer/python/botocore/docs"
    _write(docs / "__init__.py", "import everything\n")
    _write(docs / "docstring.py")
    keep = ["--keep-packages", "--keep-data", "--keep-imports"]
    assert finish_build.main([str(built), "--no-compile", *keep]) == 0
    assert (built / "DependenciesLayer/python/pkg/tests/test_it.py").exists()
    assert (docs / "__init__.py").read_text(encoding="utf-8") == "import everything\n"
    assert finish_build.main([str(built), "--no-compile"]) == 0
    assert "everything" not in (docs / "__init__.py").read_text(encoding="utf-8")


def test_without_the_interpreter_the_build_says_so_and_goes_on(
    built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(finish_build, "lambda_python", lambda: None)
    assert finish_build.main([str(built)]) == 0
    assert "NOT compiled" in capsys.readouterr().out


def test_compiled_files_are_believed_without_looking_at_the_source(built: Path) -> None:
    finish_build.compile_sources([built / "OneFunction"], lambda_python() or Path(sys.executable))
    (compiled,) = (built / "OneFunction/one/__pycache__").glob("*.pyc")
    # PEP 552: bit 0 = hash-based, bit 1 = check the source; ours is hash-based and unchecked.
    assert int.from_bytes(compiled.read_bytes()[4:8], "little") == 0b01


def _library(path: Path, machine: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x7fELF" + bytes(14) + machine.to_bytes(2, "little"))


@pytest.mark.parametrize(
    ("name", "machine", "loadable"),
    [
        ("fast.cpython-313-aarch64-linux-gnu.so", finish_build.AARCH64, True),
        ("fast.abi3.so", finish_build.AARCH64, True),
        ("libjpeg-1a2b.so.62.4.0", finish_build.AARCH64, True),
        ("fast.cpython-313-x86_64-linux-gnu.so", 62, False),
        ("fast.cpython-311-aarch64-linux-gnu.so", finish_build.AARCH64, False),
    ],
)
def test_libraries_that_lambda_cannot_load_fail_the_build(
    built: Path, name: str, machine: int, loadable: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    _library(built / "DependenciesLayer/python/pkg" / name, machine)
    assert (finish_build.main([str(built), "--no-compile"]) == 0) is loadable
    assert (name in capsys.readouterr().out) is not loadable
