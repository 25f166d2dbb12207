"""CSV uploads: the described text is encoded, checked as a whole and read to its last row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.acceptance.inputs import decode
from toolkit.tabular.csv_reader import read_csv


def run(case: dict[str, Any]) -> tuple[str, None]:
    """Accept when every row can be read, or raise the refusal."""
    table = read_csv(_build(case["input"]))
    count = sum(1 for _ in table.rows())
    if count != table.row_count:
        raise AssertionError(f"{count} rows read, {table.row_count} announced")
    return "accept", None


def _build(given: Any) -> bytes:
    """The bytes of the described file; an unknown key is an error."""
    decoded = decode(given)
    if isinstance(decoded, bytes):
        return decoded
    if isinstance(decoded, str):
        return decoded.encode("utf-8")
    description = dict(decoded)
    encoding = description.pop("encoding", "utf-8")
    if "text" in description:
        text = decode(description.pop("text"))
    elif "bytes" in description:
        return _finished(description, bytes.fromhex(description.pop("bytes")))
    else:
        text = _generated(description)
    return _finished(description, text.encode(encoding))


def _finished(description: Mapping[str, Any], data: bytes) -> bytes:
    if description:
        raise ValueError(f"the CSV builder does not know {sorted(description)}")
    return data


def _generated(description: dict[str, Any]) -> str:
    """A file of a given number of rows and columns, with one field or the whole of a given size."""
    columns = int(description.pop("columns", 3))
    rows = int(description.pop("rows", 3))
    field_bytes = int(description.pop("field_bytes", 0))
    size = int(description.pop("file_bytes", description.pop("file_mb", 0) * 1_000_000))
    separator = description.pop("separator", ";")
    header = separator.join(f"sutun{i}" for i in range(columns))
    line = separator.join("1" for _ in range(columns))
    lines = [header, *[line] * rows]
    if field_bytes:
        lines[1] = "x" * field_bytes + line[1:]
    text = "\n".join(lines) + "\n"
    while len(text) < size:
        text += ("x" * min(60_000, size - len(text) - len(line)) + line[1:] + "\n")[: size + 1]
    return text
