"""Imports point inwards, doors to the outside are few, contexts are equal (style.md §9).

The walk that finds violations is itself tried on a small bad example: a rule that cannot fail is
no rule.
"""

import tomllib
from pathlib import Path

import pytest

from tests.architecture import rules

ROOT = Path(__file__).resolve().parents[2]
EXISTING = sorted(
    path.name for path in (ROOT / "functions").iterdir() if (path / "__init__.py").exists()
)


def test_product_keeps_the_rules() -> None:
    assert rules.violations(ROOT) == []


def test_the_walk_sees_the_product() -> None:
    seen = {source.context for source in rules.sources(ROOT)}
    assert seen == {*EXISTING, *rules.LAYERS}


@pytest.mark.parametrize("context", EXISTING)
def test_all_contexts_have_the_same_entries(context: str) -> None:
    assert rules.missing_entries(ROOT / "functions" / context) == []


def test_contexts_are_those_of_the_product() -> None:
    assert set(EXISTING) <= set(rules.CONTEXTS)


# ------------------------------------------------------------------ the walk itself

BAD = {
    # Imports that a part does not allow.
    "functions/pensions/domain/a.py": (
        "import pydantic",
        "domain imports the package pydantic",
    ),
    "functions/pensions/domain/b.py": ("import logging", "domain imports logging"),
    "functions/pensions/domain/c.py": (
        "from pensions.application import send",
        "domain imports application of its context",
    ),
    "functions/pensions/domain/d.py": (
        "def f():\n    from toolkit.aws import dynamodb",
        "domain imports toolkit.aws.dynamodb",
    ),
    "functions/pensions/domain/e.py": (
        "from ..adapters import rows",
        "domain imports adapters of its context",
    ),
    "functions/pensions/application/a.py": (
        "import boto3",
        "application imports the package boto3",
    ),
    "functions/pensions/application/b.py": (
        "from toolkit.aws.dynamodb import Database",
        "application imports toolkit.aws.dynamodb.Database",
    ),
    "functions/pensions/application/c.py": ("import json", "application imports json"),
    "functions/pensions/ports.py": (
        "from pensions.adapters.rows import Row",
        "ports imports adapters of its context",
    ),
    "functions/pensions/adapters/a.py": (
        "from workspace.domain.tenant import Tenant",
        "imports the other context workspace",
    ),
    "functions/pensions/adapters/b.py": ("import webkit.render", "adapters imports webkit.render"),
    "functions/pensions/adapters/x/transformers.py": (
        "import httpx",
        "adapters.pure imports the package httpx",
    ),
    "functions/pensions/handlers/a.py": (
        "from pensions.domain.employee import Employee",
        "handlers imports domain of its context",
    ),
    "functions/pensions/handlers/b.py": (
        "from pensions.pages import routes",
        "handlers imports pages of its context",
    ),
    "functions/pensions/handlers/http/a.py": (
        "from pensions.adapters.rows import Row",
        "handlers.http imports adapters of its context",
    ),
    "functions/pensions/pages/a.py": (
        "from pensions.adapters.rows import Row",
        "pages imports adapters of its context",
    ),
    "functions/pensions/schemas.py": (
        "from pensions.application.send import Send",
        "schemas imports application of its context",
    ),
    "functions/pensions/settings.py": ("import os", "settings imports os"),
    "layers/common/kernel/a.py": ("import pydantic", "kernel imports the package pydantic"),
    "layers/common/kernel/b.py": ("import toolkit.auth", "kernel imports toolkit.auth"),
    "layers/common/toolkit/a.py": (
        "from pensions.domain import money",
        "a layer imports the context pensions",
    ),
    "layers/common/toolkit/b.py": ("import infra.local", "imports infra, which nothing imports"),
    # Calls that have one place.
    "functions/pensions/adapters/c.py": (
        "from datetime import UTC, datetime\nnow = lambda: datetime.now(UTC)",
        "reads the clock (datetime.now)",
    ),
    "functions/pensions/adapters/d.py": (
        "import os\ndef f(): return os.environ['X']",
        "reads the environment",
    ),
    "functions/pensions/adapters/e.py": (
        "import boto3\ndef f(): return boto3.client('s3')",
        "makes a client (boto3.client)",
    ),
    "functions/pensions/adapters/f.py": (
        "from toolkit.aws.clients import client\nS3 = client('s3')",
        "makes a client at import (client)",
    ),
    "functions/pensions/adapters/g.py": (
        "def f(table): return table.scan()",
        "goes round the keys (table.scan)",
    ),
    "functions/pensions/adapters/h.py": (
        "def f(self): return self.client.query(TableName='core')",
        "queries without the paginating helper",
    ),
    "functions/pensions/adapters/i.py": (
        "def f(manager): return manager.get_secret_value(SecretId='x')",
        "reads a secret",
    ),
    "functions/pensions/domain/f.py": (
        "from datetime import date\ndef f(): return date.today()",
        "reads the clock (date.today)",
    ),
    "functions/pensions/domain/g.py": ("RATE = 0.03", "uses a float"),
    "layers/common/kernel/c.py": (
        "import time\ndef f(): return time.monotonic()",
        "kernel imports time",
    ),
}

GOOD = {
    "functions/pensions/__init__.py": '"""A context."""',
    "functions/pensions/domain/a.py": (
        "from decimal import Decimal\nfrom kernel.money import Money\n"
        "from pensions.domain.b import B"
    ),
    "functions/pensions/application/a.py": (
        "from toolkit.auth import TenantContext\nfrom pensions.ports import Store"
    ),
    "functions/pensions/adapters/a.py": (
        "import time\nimport zeep\nfrom toolkit.aws.dynamodb import Database\n"
        "def f(database): return database.query('core', 'x'), time.monotonic()"
    ),
    "functions/pensions/adapters/letters.py": "from webkit.pdf import render_pdf",
    "functions/pensions/handlers/api.py": "from pensions.pages import routes",
    "layers/common/toolkit/settings.py": "import os\ndef f(): return os.environ['X']",
    "layers/common/kernel/clock.py": (
        "from datetime import datetime\ndef f(): return datetime.now()"
    ),
    "layers/common/kernel/links.py": "from urllib.parse import quote",
}


def _write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")


@pytest.mark.parametrize("name", list(BAD))
def test_a_bad_example_is_found(name: str, tmp_path: Path) -> None:
    text, complaint = BAD[name]
    for other, good in GOOD.items():
        if other != name:
            _write(tmp_path, other, good)
    _write(tmp_path, name, text)
    found = rules.violations(tmp_path)
    assert found
    assert all(violation.startswith(f"{name}:") for violation in found)
    assert any(violation.endswith(f": {complaint}") for violation in found)


def test_a_good_example_is_left_alone(tmp_path: Path) -> None:
    for name, text in GOOD.items():
        _write(tmp_path, name, text)
    assert rules.violations(tmp_path) == []


def test_every_part_and_check_is_tried() -> None:
    tried = {rules.part_of(Path(name)) for name in BAD}  # type: ignore[arg-type]
    untried = set(rules.PARTS) - {part for _, part in tried}
    # These may import everything their context has, or nothing worth a file.
    assert untried <= {"bootstrap", "package", "webkit", "webkit.reader", "webkit.refused_events"}


@pytest.mark.parametrize(
    "name",
    [
        "functions/pensions/helpers.py",
        "functions/shipping/domain/a.py",
        "layers/common/extras/a.py",
    ],
)
def test_a_file_that_belongs_to_no_part_is_refused(name: str, tmp_path: Path) -> None:
    _write(tmp_path, name, "x = 1")
    with pytest.raises(ValueError, match="belongs to no part"):
        rules.violations(tmp_path)


def test_layout_test_names_what_is_missing_and_what_is_too_much(tmp_path: Path) -> None:
    for name in rules.ENTRIES - {"ports.py"}:
        (tmp_path / name).touch()
    (tmp_path / "utils.py").touch()
    assert rules.missing_entries(tmp_path) == ["ports.py", "utils.py"]
    (tmp_path / "ports").mkdir()
    assert rules.missing_entries(tmp_path) == ["utils.py"]


# ------------------------------------------------------------------ the other tool


def test_contracts_of_import_linter_cover_every_context() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    linter = config["tool"]["importlinter"]
    assert set(linter["root_packages"]) == {*EXISTING, *rules.LAYERS}
    contracts = {contract["id"]: contract for contract in linter["contracts"]}
    assert set(contracts["contexts"]["modules"]) == set(EXISTING)
    assert set(contracts["inside"]["containers"]) == set(EXISTING)
    assert set(contracts["layers"]["layers"][0].split(" | ")) == set(EXISTING)
    inner = {
        f"{context}.{part}" for context in EXISTING for part in ("application", "domain", "ports")
    }
    assert set(contracts["pure"]["source_modules"]) == {"kernel", *inner}
