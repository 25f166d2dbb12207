"""The console's navigation offers what its reader can open, and nothing else."""

import pytest

from tests.support.page_walk import page_permissions
from toolkit.auth import ROLE_PERMISSIONS, Principal
from webkit.navigation import CONSOLE, visible_entries

ENTRIES = [item for group in CONSOLE for item in group.items]
FOR_EVERYBODY = {"/companies"}
ASKS_ITSELF = {"/"}
"""Declared without a right, because it leads whoever works for no company elsewhere."""


@pytest.mark.parametrize("item", ENTRIES, ids=lambda item: item.href)
def test_an_entry_asks_for_the_right_that_its_page_asks_for(item: object) -> None:
    href, permission = item.href, item.permission  # type: ignore[attr-defined]
    if href in FOR_EVERYBODY:
        assert permission is None
    elif href in ASKS_ITSELF:
        assert permission == "workspace:today:read"
    else:
        assert permission == page_permissions()[href]


def _offered(role: str, *, in_company: bool) -> set[str]:
    principal = Principal("session", "p", roles=(role,), tenant_id="t" if in_company else "")
    held = visible_entries(principal.may, in_company=in_company)
    return {item.href for item in ENTRIES if not item.permission or item.permission in held}


def test_an_operator_is_offered_pages_of_operators_only() -> None:
    offered = _offered("operator", in_company=False)
    assert offered == {item.href for item in ENTRIES if item.key.startswith("operator.")} | {
        "/companies"
    }


@pytest.mark.parametrize("role", sorted(ROLE_PERMISSIONS))
def test_who_works_for_no_company_is_offered_nothing_of_one(role: str) -> None:
    assert all(
        href == "/companies" or href.startswith("/operator/")
        for href in _offered(role, in_company=False)
    )


def test_a_member_is_offered_what_the_role_may_open() -> None:
    assert "/people" in _offered("owner", in_company=True)
    assert "/" in _offered("viewer", in_company=True)
    assert "/messages" not in _offered("viewer", in_company=True)


def test_the_way_out_of_a_visit_comes_first() -> None:
    assert ENTRIES[0].href == "/support-visit"
    assert "/support-visit" in _offered("support", in_company=True)
    assert "/support-visit" not in _offered("owner", in_company=True)
