"""The simulated insurers, as data of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

DialectName = Literal["usernametoken_batch", "session_single", "period_async"]


@dataclass(frozen=True, slots=True)
class InsurerFacts:
    """One insurer.

    Units: ``policy_delay`` is seconds until a policy number or a processed collection shows.
    Shapes: ``phone`` is a pattern the mobile number must match; ``genders`` the words it takes;
    ``policy_prefix`` starts its policy numbers.
    """

    code: str
    dialect: DialectName
    code_prefix: str
    policy_prefix: str
    phone: str
    genders: frozenset[str]
    batch_limit: int
    deduplicates: bool
    policy_delay: int = 0


_E164: Final = r"\+905[0-9]{9}"
_NATIONAL: Final = r"5[0-9]{9}"
_ZERO: Final = r"05[0-9]{9}"


def _batch(
    code: str, prefix: str, policy: str, phone: str = _E164, genders: str = "F M", limit: int = 100
) -> InsurerFacts:
    words = frozenset(genders.split())
    return InsurerFacts(
        code, "usernametoken_batch", prefix, policy, phone, words, limit, deduplicates=True
    )


def _session(
    code: str, prefix: str, policy: str, phone: str = _NATIONAL, genders: str = "K E"
) -> InsurerFacts:
    words = frozenset(genders.split())
    return InsurerFacts(code, "session_single", prefix, policy, phone, words, 1, deduplicates=False)


def _period(
    code: str, prefix: str, policy: str, phone: str = _ZERO, genders: str = "1 2"
) -> InsurerFacts:
    words = frozenset(genders.split())
    return InsurerFacts(
        code, "period_async", prefix, policy, phone, words, 100, deduplicates=False, policy_delay=30
    )


INSURERS: Final[Mapping[str, InsurerFacts]] = MappingProxyType(
    {
        each.code: each
        for each in (
            _period("aegon", "AGN", "AG"),
            _batch("allianz_hayat", "AZH-", "ALH"),
            _batch("allianz_yasam", "AZY-", "ALY"),
            _batch("anadolu", "AHE-", "AH", _NATIONAL),
            _session("avivasa", "70", "AV"),
            _batch("axa", "AXA-", "AX", genders="FEMALE MALE", limit=50),
            _session("bereket", "71", "BE"),
            _session("bnp_cardif", "72", "BP", _ZERO),
            _session("cigna_finans", "73", "CF", genders="1 2"),
            _session("fiba", "74", "FE"),
            _batch("garanti", "GE-", "GA", _ZERO),
            _period("groupama", "GRP", "GR"),
            _period("halk", "HLK", "HE", _NATIONAL),
            _period("katilim", "KTL", "KE"),
            _batch("metlife", "ML-", "ML"),
            _period("nn", "NN", "NN", _E164, "K E"),
            _period("vakif", "VKF", "VE"),
            _period("ziraat", "ZRT", "ZE", genders="K E"),
        )
    }
)
"""Every simulated insurer by its code."""
