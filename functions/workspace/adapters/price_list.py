"""The dated price list that ships with the workspace, see ``bench.costs``."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Final

from workspace.domain.cost_card import CODES, Price, PriceList, Standing

PATH: Final = Path(__file__).with_suffix(".json")


def read_price_list() -> PriceList:
    """The list as it was written."""
    content = json.loads(PATH.read_text(encoding="utf-8"))
    prices = {
        code: Price(
            Decimal(content["lines"][code]["usd"]),
            content["lines"][code]["charges"],
        )
        for code in CODES
    }
    standing = tuple(
        Standing(each["code"], each["count"], Decimal(each["usd"])) for each in content["standing"]
    )
    return PriceList(content["region"], content["as_of"], content["currency"], prices, standing)
