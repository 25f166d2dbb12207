"""What every edge must accept, normalise or refuse: fields that are one value, and a registry.

A field that is one value is a function from the decoded input to its stored form in API terms. The
verdict follows: an error of ours rejects, an unchanged value is accepted, anything else was
normalised. Fields about bodies, files and protocols are modules of ``bad_inputs_fields``.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from typing import Any

from kernel import text
from kernel.clock import local_date
from kernel.csv_cells import csv_cell, restore
from kernel.errors import KopruError
from kernel.identifiers import (
    afm,
    contract_no,
    creditor_reference,
    email,
    iban,
    ledger_party,
    rf,
    tckn,
    vkn,
    webhook_url,
)
from kernel.ids import is_id
from kernel.links import Links
from kernel.parsing import (
    format_instant,
    parse_amount_api,
    parse_amount_tr,
    parse_date_api,
    parse_date_tr,
    parse_instant,
    parse_local_time,
    parse_period,
    parse_rate_api,
    parse_rate_tr,
)
from kernel.periods import DayWindow
from kernel.ranges import parse_instalment_ranges
from tests.acceptance.inputs import decode
from tests.acceptance.runner import NotBuilt
from toolkit.http.idempotency import parse_key

_FIELDS = "tests.acceptance.areas.bad_inputs_fields"
Field = Callable[[Any, Mapping[str, Any]], Any]


class _Refused(KopruError):
    """A yes-or-no check said no."""


def run(case: dict[str, Any], file: dict[str, Any]) -> Mapping[str, Any]:
    """Verdict and normalised value of the product for one case."""
    verdict, normalised = _verdict(case, file)
    outputs = {"verdict": verdict}
    # A case without `normalised` says nothing about it; null stands for "nothing to read".
    return outputs if normalised is None else outputs | {"normalised": normalised}


def _verdict(case: dict[str, Any], file: dict[str, Any]) -> tuple[str, Any]:
    field = case["field"]
    try:
        if field in VALUES:
            given = decode(case["input"])
            stored = VALUES[field](given, file["fields"][field])
            return ("accept" if stored == given else "normalise"), stored
        return _registered(field)(case)
    except KopruError:
        return "reject", None


def _registered(field: str) -> Callable[[dict[str, Any]], tuple[str, Any]]:
    module = f"{_FIELDS}.{field}"
    if not field.isidentifier() or importlib.util.find_spec(module) is None:
        raise NotBuilt(f"bad_inputs field {field}")
    found: Callable[[dict[str, Any]], tuple[str, Any]] = importlib.import_module(module).run
    return found


def _ledger_party(given: Any, _field: Mapping[str, Any]) -> str:
    return ledger_party.parse(given).number


def _mailing_days(given: Any, _field: Mapping[str, Any]) -> dict[str, int]:
    window = DayWindow.parse(given)
    return {"starts_day": window.starts_day, "ends_day": window.ends_day}


def _ranges(given: Any, _field: Mapping[str, Any]) -> list[list[int]]:
    return [list(pair) for pair in parse_instalment_ranges(given)]


def _local_time(given: Any, _field: Mapping[str, Any]) -> str:
    return format_instant(parse_local_time(given["local"], given["zone"]))


def _local_date(given: Any, _field: Mapping[str, Any]) -> str:
    return local_date(parse_instant(given["instant"]), given["zone"]).isoformat()


def _path_id(given: Any, _field: Mapping[str, Any]) -> str:
    if not is_id(given):
        raise _Refused("path_id", "not an id")
    return str(given)


def _idempotency_key(given: Any, _field: Mapping[str, Any]) -> Any:
    values = [value for name, value in given if name.lower() == "idempotency-key"]
    # The gateway joins repeated headers with a comma before a function sees them.
    parse_key(",".join(values) if values else None)
    return given


def _host_header(_given: Any, field: Mapping[str, Any]) -> str:
    # Links take no host: whatever the client sent has no way in.
    return Links(field["base_url"]).to("/sign-in").removesuffix("/sign-in")


def _plain(read: Callable[[Any], Any]) -> Field:
    return lambda given, _field: read(given)


VALUES: Mapping[str, Field] = {
    "national_id": _plain(tckn.parse),
    "tax_no": _plain(vkn.parse),
    "ledger_party": _ledger_party,
    "afm": _plain(afm.parse),
    "iban_tr": _plain(lambda given: iban.parse(given, "TR")),
    "iban_gr": _plain(lambda given: iban.parse(given, "GR")),
    "rf_code": _plain(rf.parse),
    "creditor_reference": _plain(creditor_reference.parse),
    "person_name": _plain(text.clean_person_name),
    "company_title": _plain(text.clean_company_title),
    "payer_name": _plain(text.clean_payer_name),
    "email": _plain(email.parse),
    "free_text": _plain(text.clean_free_text),
    "mail_header_text": _plain(text.clean_mail_header),
    "amount_api": _plain(lambda given: parse_amount_api(given).to_api()),
    "amount_tr": _plain(lambda given: parse_amount_tr(given).amount_text),
    "rate_api": _plain(lambda given: parse_rate_api(given).to_api()),
    "rate_tr": _plain(lambda given: parse_rate_tr(given).to_api()),
    "date_api": _plain(lambda given: parse_date_api(given).isoformat()),
    "date_tr": _plain(lambda given: parse_date_tr(given).isoformat()),
    "local_time": _local_time,
    "local_date": _local_date,
    "instant": _plain(lambda given: format_instant(parse_instant(given))),
    "period": _plain(lambda given: str(parse_period(given))),
    "path_id": _path_id,
    "idempotency_key": _idempotency_key,
    "webhook_url": _plain(webhook_url.parse),
    "host_header": _host_header,
    "contract_no": _plain(contract_no.parse),
    "card_contract_code": _plain(contract_no.parse_card_contract_code),
    "instalment_ranges": _ranges,
    "mailing_days": _mailing_days,
    "export_csv_cell": _plain(csv_cell),
    "import_csv_cell": _plain(restore),
}
"""Fields that are one value: from the decoded input to the stored form in API terms."""
