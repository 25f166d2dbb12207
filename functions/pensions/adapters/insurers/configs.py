"""How each of the 18 insurers deviates inside its dialect, as data.

No insurer publishes its interface (domain/pensions.md section 11): these rows are DESIGN. They
exist so that the first real integration changes a row, or adds a dialect, and nothing else.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pensions.adapters.insurers.dialect import InsurerConfig, PhoneFormat
from pensions.domain.provider import Dialect

_E164: Final = PhoneFormat.E164
_NATIONAL: Final = PhoneFormat.NATIONAL
_ZERO: Final = PhoneFormat.ZERO_NATIONAL


def _batch(
    code: str,
    prefix: str,
    phone: PhoneFormat = _E164,
    genders: tuple[str, str] = ("F", "M"),
    *,
    upper: bool = False,
) -> InsurerConfig:
    funds = ("CONVENTIONAL", "PARTICIPATION")
    dialect = Dialect.USERNAMETOKEN_BATCH
    return InsurerConfig(code, dialect, prefix, phone, genders, funds, upper)


def _session(
    code: str,
    prefix: str,
    phone: PhoneFormat = _NATIONAL,
    genders: tuple[str, str] = ("K", "E"),
    *,
    upper: bool = True,
) -> InsurerConfig:
    return InsurerConfig(code, Dialect.SESSION_SINGLE, prefix, phone, genders, ("1", "2"), upper)


def _period(
    code: str,
    prefix: str,
    phone: PhoneFormat = _ZERO,
    genders: tuple[str, str] = ("2", "1"),
    *,
    upper: bool = True,
) -> InsurerConfig:
    funds = ("FAIZLI", "FAIZSIZ")
    return InsurerConfig(code, Dialect.PERIOD_ASYNC, prefix, phone, genders, funds, upper)


CONFIGS: Final[Mapping[str, InsurerConfig]] = MappingProxyType(
    {
        config.code: config
        for config in (
            _period("aegon", "AGN"),
            _batch("allianz_hayat", "AZH-"),
            _batch("allianz_yasam", "AZY-"),
            _batch("anadolu", "AHE-", _NATIONAL, upper=True),
            _session("avivasa", "70"),
            _batch("axa", "AXA-", genders=("FEMALE", "MALE")),
            _session("bereket", "71"),
            _session("bnp_cardif", "72", _ZERO),
            _session("cigna_finans", "73", genders=("2", "1")),
            _session("fiba", "74"),
            _batch("garanti", "GE-", _ZERO, upper=True),
            _period("groupama", "GRP"),
            _period("halk", "HLK", _NATIONAL),
            _period("katilim", "KTL"),
            _batch("metlife", "ML-"),
            _period("nn", "NN", _E164, ("K", "E"), upper=False),
            _period("vakif", "VKF"),
            _period("ziraat", "ZRT", genders=("K", "E")),
        )
    }
)
"""Settings by provider code."""
