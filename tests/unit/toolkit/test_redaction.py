"""What reaches a log is masked, whatever wrote it."""

import json

import pytest

from toolkit.observability import count, logger
from toolkit.redaction import MASK, redact, redact_text

TCKN = "10000000146"
IBAN = "TR330006100519786457841326"
KEY = "kopru_test_" + "A" * 43


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f"kimlik {TCKN}.", "kimlik 100******46."),
        (f"iban {IBAN}", "iban TR33…1326"),
        ("iban TR33 0006 1005 1978 6457 8413 26", "iban TR33…1326"),
        (f"Bearer {KEY}", "Bearer kopru_***"),
        ("fatura 12345678901", "fatura 12345678901"),
        ("01KT16JKM00000000000000001", "01KT16JKM00000000000000001"),
        ("GB82WEST12345698765432", "GB82WEST12345698765432"),
        ("", ""),
    ],
)
def test_numbers_accounts_and_keys_are_masked_by_shape(text: str, masked: str) -> None:
    assert redact_text(text) == masked


def test_secrets_are_masked_by_name_at_any_depth() -> None:
    value = {
        "Authorization": "Bearer x",
        "body": {"password": "geheim", "items": [{"token": 5}, f"no {TCKN}"]},
        "n": 3,
        "t": (IBAN,),
        "e": ValueError(f"zeep says {TCKN}"),
        "x": None,
        "b": True,
    }
    assert redact(value) == {
        "Authorization": MASK,
        "body": {"password": MASK, "items": [{"token": MASK}, "no 100******46"]},
        "n": 3,
        "t": ["TR33…1326"],
        "e": "zeep says 100******46",
        "x": None,
        "b": True,
    }


def test_a_log_line_is_masked_json(capsys: pytest.CaptureFixture[str]) -> None:
    log = logger("redaction-test")
    log.info("person %s", TCKN, extra={"iban": IBAN, "password": "geheim"})
    line = json.loads(capsys.readouterr().out)
    assert line["message"] == "person 100******46"
    assert (line["iban"], line["password"]) == ("TR33…1326", MASK)
    assert line["service"] == "redaction-test"


def test_an_exception_is_masked_too(capsys: pytest.CaptureFixture[str]) -> None:
    log = logger("redaction-test")
    try:
        raise ValueError(f"zeep says {TCKN}")
    except ValueError:
        log.exception("failed")
    assert TCKN not in capsys.readouterr().out


def test_counters_are_one_metric_line(capsys: pytest.CaptureFixture[str]) -> None:
    count("workspace", {"Parked": 2}, provider="agesa")
    line = json.loads(capsys.readouterr().out)
    assert line["Parked"] == [2.0] or line["Parked"] == 2.0
    assert line["provider"] == "agesa"
