"""What lies in the tables and buckets of a stack, for people who look behind the product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from boto3.dynamodb.types import TypeDeserializer

from infra.local.cloud import LocalCloud

_MOST_ROWS: Final = 200
_MOST_FILES: Final = 500


class Shelves:
    """Tables and files of one cloud, read only."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud

    def tables(self) -> dict[str, int]:
        """Every table with the number of its rows."""
        dynamodb = self._cloud.client("dynamodb")
        return {
            name: sum(page["Count"] for page in self._pages(name, Select="COUNT"))
            for name in sorted(dynamodb.list_tables()["TableNames"])
        }

    def rows(self, table: str, search: str) -> list[dict[str, Any]]:
        """Rows whose keys contain ``search``, keys first, at most 200. Raises: LookupError."""
        if table not in self._cloud.client("dynamodb").list_tables()["TableNames"]:
            raise LookupError(table)
        read = TypeDeserializer().deserialize
        found: list[dict[str, Any]] = []
        for page in self._pages(table):
            for item in page["Items"]:
                row = {name: _readable(read(value)) for name, value in sorted(item.items())}
                if search in f"{row.get('pk', '')} {row.get('sk', '')}":
                    keys = {name: row.pop(name) for name in ("pk", "sk") if name in row}
                    found.append({**keys, **row})
                if len(found) == _MOST_ROWS:
                    return found
        return found

    def files(self) -> Sequence[Mapping[str, Any]]:
        """Every stored file, newest first, at most 500."""
        s3 = self._cloud.client("s3")
        found = [
            {"bucket": name, "key": each["Key"], "size": each["Size"], "at": each["LastModified"]}
            for name in sorted(each["Name"] for each in s3.list_buckets()["Buckets"])
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name)
            for each in page.get("Contents", ())
        ]
        return sorted(found, key=lambda one: one["at"], reverse=True)[:_MOST_FILES]

    def _pages(self, table: str, **more: Any) -> Any:
        scan = self._cloud.client("dynamodb").get_paginator("scan")
        return scan.paginate(TableName=table, **more)


def _readable(value: Any) -> Any:
    """Binary values are sealed secrets: their size is all there is to see."""
    if isinstance(value, Mapping):
        return {name: _readable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_readable(each) for each in value]
    if hasattr(value, "value") and isinstance(value.value, bytes):
        return f"<{len(value.value)} bytes>"
    return value if isinstance(value, str | bool | None) else str(value)
