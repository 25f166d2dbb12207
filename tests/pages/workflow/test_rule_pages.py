"""Pages of rules: sound in three languages."""

import pytest

from tests.support.rules_world import RulesWorld

LANGUAGES = ("tr", "el", "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_list_names_every_rule_in_every_language(world: RulesWorld, language: str) -> None:
    shown = world.page("/workflow/rules", language)
    assert "R18" in shown
    assert "R48" in shown


def test_rules_are_found_by_number_or_word(world: RulesWorld) -> None:
    shown = world.page("/workflow/rules", query="q=R18")
    assert "/workflow/rules/approval.purchase_chain" in shown
    assert "/workflow/rules/collection.late_fee_rate" not in shown
    assert "No rule fits" in world.page("/workflow/rules", query="q=xyzzy")
