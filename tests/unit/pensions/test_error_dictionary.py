"""Every code has words in three languages and somebody who acts."""

from __future__ import annotations

import pytest

from pensions.adapters.insurers.configs import CONFIGS
from pensions.domain.error_dictionary import (
    DICTIONARY,
    PROVIDER_CODES,
    UNKNOWN_CODE,
    ErrorClass,
    explain,
    our_code,
)
from pensions.domain.outcome import Actor, FaultMeaning
from pensions.domain.provider import Dialect, Language

LANGUAGES: tuple[Language, ...] = ("tr", "el", "en")
EMPLOYEE_FIELDS = {
    "national_id",
    "first_name",
    "birth_date",
    "mobile",
    "email",
    "iban",
    "hired_on",
    "fund_preference",
    "contribution_rate",
}
CONTRIBUTION_FIELDS = {"amount", "paid_on", "policy_no"}


@pytest.mark.parametrize("code", DICTIONARY)
def test_an_entry_speaks_three_languages(code: str) -> None:
    entry = DICTIONARY[code]
    assert entry.code == code
    for text in (entry.meaning, entry.action):
        told = [text.text(language) for language in LANGUAGES]
        assert len(set(told)) == 3
        assert all(sentence.rstrip(")").endswith(".") for sentence in told), told
    assert entry.sentence("en") == f"{entry.meaning.en} {entry.action.en}"
    assert any("α" <= char <= "ω" for char in entry.meaning.el)


@pytest.mark.parametrize("code", DICTIONARY)
def test_a_field_is_one_the_api_knows(code: str) -> None:
    field = DICTIONARY[code].field
    assert field is None or field in EMPLOYEE_FIELDS | CONTRIBUTION_FIELDS


def test_data_errors_go_to_the_user_and_system_errors_to_the_operator() -> None:
    for entry in DICTIONARY.values():
        if entry.error_class is ErrorClass.PERSON_DATA:
            assert entry.actor is Actor.USER
            assert entry.field is None or entry.field in EMPLOYEE_FIELDS
    for code in ("system_error", "collection_failed", UNKNOWN_CODE, "request_invalid"):
        assert DICTIONARY[code].actor is Actor.OPERATOR
    for code in ("auth_failed", "credentials_locked"):
        assert DICTIONARY[code].actor is Actor.USER


def test_every_meaning_of_a_fault_is_explained() -> None:
    for meaning in FaultMeaning:
        assert explain(meaning.value).code == meaning.value


@pytest.mark.parametrize("dialect", Dialect)
def test_each_dialect_expresses_the_same_meanings(dialect: Dialect) -> None:
    table = PROVIDER_CODES[dialect]
    assert len(set(table.values())) == len(table)
    assert set(table.values()) == set(PROVIDER_CODES[Dialect.USERNAMETOKEN_BATCH].values())
    assert set(table.values()) <= DICTIONARY.keys()


@pytest.mark.parametrize("code", CONFIGS)
def test_the_codes_of_an_insurer_carry_its_prefix(code: str) -> None:
    config = CONFIGS[code]
    for theirs, ours in PROVIDER_CODES[config.dialect].items():
        prefix = config.code_prefix
        assert our_code(config.dialect, prefix, prefix + theirs) == ours


@pytest.mark.parametrize("raw", [None, "", "AHE-", "AHE-000", "101", "GE-101", "ahe-101"])
def test_what_is_not_listed_is_unknown(raw: str | None) -> None:
    assert our_code(Dialect.USERNAMETOKEN_BATCH, "AHE-", raw) == UNKNOWN_CODE


@pytest.mark.parametrize("code", [None, "no_such_code"])
def test_an_unknown_code_is_explained_as_such(code: str | None) -> None:
    assert explain(code) is DICTIONARY[UNKNOWN_CODE]
