"""The insurers of the source screen: all of them, under every name they ever had."""

from __future__ import annotations

import itertools
from datetime import date

import pytest

from pensions.domain.provider import (
    LIST_SEEN_ON,
    Capability,
    CredentialDelivery,
    DatedName,
    Dialect,
)
from pensions.domain.provider_catalogue import PROVIDERS, SUCCESSORS, find_provider

CODES = [
    "aegon",
    "allianz_hayat",
    "allianz_yasam",
    "anadolu",
    "avivasa",
    "axa",
    "bereket",
    "bnp_cardif",
    "cigna_finans",
    "fiba",
    "garanti",
    "groupama",
    "halk",
    "katilim",
    "metlife",
    "nn",
    "vakif",
    "ziraat",
]


def test_every_insurer_of_the_screen_is_there_in_its_order() -> None:
    assert list(PROVIDERS) == CODES


@pytest.mark.parametrize("code", CODES)
def test_facts_make_sense(code: str) -> None:
    provider = PROVIDERS[code]
    assert provider.code == code
    assert provider.names
    assert 1 <= provider.batch_size <= 100
    assert 1 <= provider.member_batch <= 100
    assert 1 <= provider.max_concurrency <= 10
    assert provider.settle_seconds > 0
    assert provider.echoes_line_keys is (provider.dialect is not Dialect.PERIOD_ASYNC)
    assert provider.queries_by_reference or provider.queries_by_period
    assert provider.resend_possible is provider.queries_by_reference
    assert provider.credential_delivery
    assert provider.capabilities == frozenset(Capability)
    assert provider.can(Capability.ENROL)


@pytest.mark.parametrize("code", CODES)
def test_guidance_is_there_in_three_languages(code: str) -> None:
    texts = PROVIDERS[code].credential_help
    told = [texts.text("tr"), texts.text("el"), texts.text("en")]
    assert len(set(told)) == 3
    assert all(len(text) > 80 for text in told)
    assert any("α" <= char <= "ω" for char in texts.el)


@pytest.mark.parametrize("code", CODES)
def test_names_follow_each_other(code: str) -> None:
    names = PROVIDERS[code].names
    dated = [name.valid_from for name in names if name.valid_from is not None]
    assert dated == sorted(dated)
    for before, after in itertools.pairwise(names):
        if before.valid_to and after.valid_from:
            assert before.valid_to < after.valid_from


def test_successors_are_known() -> None:
    named = {p.successor_code for p in PROVIDERS.values() if p.successor_code}
    assert named == {"turkiye_hayat"}
    assert named <= SUCCESSORS.keys() | PROVIDERS.keys()
    assert {p.code for p in PROVIDERS.values() if p.successor_code} == {"halk", "vakif", "ziraat"}


def test_what_the_source_says_about_credentials_is_kept() -> None:
    assert PROVIDERS["anadolu"].credential_delivery == {CredentialDelivery.SMS}
    assert PROVIDERS["avivasa"].credential_delivery == {CredentialDelivery.SMS}
    assert PROVIDERS["avivasa"].fallback_portal == "Bi Tıkla"
    assert PROVIDERS["nn"].credential_delivery >= {CredentialDelivery.EMAIL, CredentialDelivery.SMS}


def test_every_dialect_is_spoken_by_somebody() -> None:
    assert {provider.dialect for provider in PROVIDERS.values()} == set(Dialect)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("nn", "nn"),
        ("NN Hayat ve Emeklilik A.Ş.", "nn"),
        ("ANADOLU Hayat Emeklilik", "anadolu"),
        ("anadolu hayat emeklilik", "anadolu"),
        ("AVIVASA Emeklilik ve Hayat", "avivasa"),
        ("AgeSA Hayat ve Emeklilik A.Ş.", "avivasa"),
        ("agesa", "avivasa"),
        ("GARANTİ Emeklilik", "garanti"),
        ("garanti emeklilik", "garanti"),
        ("GARANTI EMEKLILIK", "garanti"),
        ("ZİRAAT EMEKLİLİK", "ziraat"),
        ("ziraat emeklilik", "ziraat"),
        ("KATILIM EMEKLİLİK", "katilim"),
        ("katılım emeklilik", "katilim"),
        ("Katilim Emeklilik", "katilim"),
        ("VAKIF Emeklilik", "vakif"),
        ("vakıf", "vakif"),
        ("GRUPAMA Emeklilik", "groupama"),
        ("Groupama", "groupama"),
        ("ALLİANZ Yaşam ve Emeklilik A.Ş.", "allianz_yasam"),
        ("ALLIANZ Hayat ve Emeklilik Anonim Şirketi", "allianz_hayat"),
        ("QNB Sağlık Hayat Sigorta ve Emeklilik", "cigna_finans"),
        ("BNP PARIBAS CARDIF Emeklilik", "bnp_cardif"),
    ],
)
def test_a_name_of_any_time_and_casing_finds_its_insurer(name: str, code: str) -> None:
    found = find_provider(name)
    assert found is not None
    assert found.code == code


@pytest.mark.parametrize("name", ["", "Allianz", "Emeklilik", "Hayat", "Yeni Emeklilik A.Ş."])
def test_a_name_that_fits_nobody_or_several_finds_nobody(name: str) -> None:
    assert find_provider(name) is None


@pytest.mark.parametrize(
    ("code", "day", "name"),
    [
        ("avivasa", date(2018, 7, 1), "AVIVASA Emeklilik ve Hayat"),
        ("avivasa", date(2021, 1, 31), "AVIVASA Emeklilik ve Hayat"),
        ("avivasa", date(2021, 2, 1), "AgeSA Hayat ve Emeklilik"),
        ("fiba", LIST_SEEN_ON, "FIBA Emeklilik"),
        ("fiba", date(2026, 1, 1), "HDI Fiba Emeklilik ve Hayat"),
        ("cigna_finans", date(2026, 1, 1), "QNB Sağlık Hayat Sigorta ve Emeklilik"),
        ("anadolu", date(2026, 1, 1), "ANADOLU Hayat Emeklilik"),
    ],
)
def test_a_contract_keeps_the_name_of_its_day(code: str, day: date, name: str) -> None:
    assert PROVIDERS[code].name_on(day) == name


def test_the_newest_name_is_the_name() -> None:
    assert PROVIDERS["garanti"].name == "Garanti BBVA Emeklilik"
    assert PROVIDERS["garanti"].names[0] == DatedName("GARANTİ Emeklilik")
