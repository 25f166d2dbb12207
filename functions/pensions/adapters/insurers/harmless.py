"""Which elements of an exchange with an insurer may be shown to somebody who reads it masked.

Codes, states, references and the money and month of a line: what a person sees on other pages of
a contract as well. Names, numbers, addresses and free text of an insurer are not among them.
"""

from typing import Final

SHELF: Final = "exchanges"
"""Part of a company's prefix in the bucket of raw exchanges that is ours."""

_ANY: Final = frozenset({"faultcode", "Value", "Created"})
_USERNAMETOKEN_BATCH: Final = frozenset(
    {
        "amount",
        "code",
        "contractCode",
        "contractNo",
        "contributionRate",
        "effectiveOn",
        "found",
        "fundType",
        "lineKey",
        "paidOn",
        "period",
        "policyNo",
        "rate",
        "reference",
        "status",
    }
)
_SESSION_SINGLE: Final = frozenset(
    {
        "ay",
        "durum",
        "durumTarihi",
        "fonTercihi",
        "gecerlilikSuresi",
        "hataKodu",
        "islemDurumu",
        "islemNo",
        "katkiPayiOrani",
        "odemeTarihi",
        "sertifikaNo",
        "sonucKodu",
        "sozlesmeKodu",
        "sozlesmeNo",
        "tutar",
        "yil",
    }
)
_PERIOD_ASYNC: Final = frozenset(
    {
        "ALINAN",
        "BASDONEM",
        "BITDONEM",
        "DONEM",
        "DURUM",
        "DURUMTAR",
        "FON",
        "GONDERIMNO",
        "HATAKOD",
        "KANAL",
        "ODEMETAR",
        "ORANBP",
        "POLICENO",
        "SONUC",
        "SOZKOD",
        "SOZNO",
        "TUTARKRS",
        "YETKI",
    }
)
HARMLESS: Final = _ANY | _USERNAMETOKEN_BATCH | _SESSION_SINGLE | _PERIOD_ASYNC
"""Local names of all three dialects."""
