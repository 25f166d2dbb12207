"""Every personal value that a context stores is in its field register (security.md §12)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from infra.tools import field_register
from kernel.personal_data import Holding, Register
from workspace.domain.catalogue import CONTEXTS

ROOT: Final = Path(__file__).parents[2]
PERSONAL: Final = re.compile(
    r"(^|_)(name|names|surname|email|emails|phone|mobile|iban|birth_date|gender|national_id|tckn"
    r"|afm|amka|tax_no|vkn|payer|payee|ip|agent|device|address|to|title|note|notes|party|facts"
    r"|inputs|content|raw|earnings|username|sender|recipient|author|text|description|params"
    r"|customer|supplier|holder|person|reason|said|message|comment|sealed|document|payload|lines"
    r"|changes|outcomes|data|hash)(_|$)"
)
"""Names under which something personal could stand; what only sounds so is explained."""
MASKING: Final = ("Tckn", "Iban", "Phone", "Email")
TECHNICAL: Final = frozenset({"audit_hash", "content_hash", "trace_hash", "inputs_hash"})


def _registers() -> list[Register]:
    return [field_register.register_of(context) for context in CONTEXTS]


def _names(holding: Holding) -> Iterator[str]:
    for path in (holding.part, *(one.path for one in holding.fields), *dict(holding.found_by)):
        yield from re.findall(r"[a-z_]+", path)


def _known(register: Register) -> set[str]:
    known = {name for holding in register.holdings for name in _names(holding)}
    return known | set(register.impersonal) | TECHNICAL


def _stored(context: str) -> Iterator[tuple[str, str]]:
    """Attribute names that adapters of a context write, with the file."""
    for path in sorted((ROOT / "functions" / context / "adapters").glob("*.py")):
        if path.stem in ("personal_data", "privacy_rows", "letter_pdf") or "ses_" in path.stem:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Dict):
                for key in node.keys:
                    if isinstance(key, ast.Constant) and isinstance(key.value, str):
                        yield key.value, path.name


@pytest.mark.parametrize("register", _registers(), ids=lambda register: register.context)
def test_every_attribute_that_may_be_personal_is_registered_or_explained(
    register: Register,
) -> None:
    known = _known(register)
    unknown = {
        f"{file}: {name}"
        for name, file in _stored(register.context)
        if PERSONAL.search(name) and name not in known
    }
    assert unknown == set()


@pytest.mark.parametrize("register", _registers(), ids=lambda register: register.context)
def test_every_explanation_is_of_something_that_is_stored(register: Register) -> None:
    stored = {name for name, _ in _stored(register.context)}
    assert set(register.impersonal) - stored == set()


def _masked_members(context: str) -> Iterator[tuple[str, str]]:
    """Members of domain classes whose type masks itself: class and name."""
    for path in sorted((ROOT / "functions" / context / "domain").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ClassDef):
                continue
            for member in node.body:
                if isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name):
                    types = {
                        one.id for one in ast.walk(member.annotation) if isinstance(one, ast.Name)
                    }
                    if types & set(MASKING):
                        yield node.name, member.target.id


@pytest.mark.parametrize("register", _registers(), ids=lambda register: register.context)
def test_every_value_whose_type_masks_itself_is_registered(register: Register) -> None:
    known = _known(register)
    # A member may stand in its row under a longer name: `customer_email` for `Customer.email`,
    # `national_id_masked` for what a sign-up keeps of `SignupEntry.national_id`.
    unknown = {
        f"{owner}.{name}"
        for owner, name in _masked_members(register.context)
        if not any(re.search(rf"(^|_){name}(_|$)", one) for one in known)
    }
    assert unknown == set()


def test_kinds_that_belong_to_others_come_after_them() -> None:
    for register in _registers():
        kinds = register.kinds
        for holding in register.holdings:
            for owner in holding.by.values():
                assert kinds.index(owner) <= kinds.index(holding.kind), (holding.kind, owner)


def test_the_joined_register_is_the_committed_one() -> None:
    assert field_register.TARGET.read_text(encoding="utf-8") == field_register.rendered()
