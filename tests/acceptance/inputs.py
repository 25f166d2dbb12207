"""The forms an input of bad_inputs.json may take, turned into what arrives at the product."""

from __future__ import annotations

from typing import Any

from toolkit.http.json_body import load_json_object


def decode(value: Any) -> Any:
    """The value a case means; ``$json`` passes the strict loader first and may be refused there.

    Shapes: text for a plain or repeated string, bytes for ``$hex``, the parsed value for ``$json``;
    every other object is left to its field.
    """
    if not isinstance(value, dict):
        return value
    if "$json" in value:
        body = f'{{"value": {value["$json"]}}}'.encode()
        return load_json_object(body, "application/json")["value"]
    if "$repeat" in value:
        unit, times = value["$repeat"]
        return value.get("$prefix", "") + unit * times + value.get("$suffix", "")
    if "$hex" in value:
        return bytes.fromhex(value["$hex"])
    return value
