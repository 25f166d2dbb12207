"""Rows that belong to a person and lie elsewhere: the look-up, and what imports keep."""

from collections.abc import Callable, Iterator

from pensions.adapters.dynamodb_pensions import person_hash
from pensions.adapters.personal_data import IMPORTS
from toolkit.aws.dynamodb import Database, Item, Keyspace


class PersonLookups:
    """The look-up by which a person is found on a contract's list."""

    def __init__(self, index_key: Callable[[str], bytes]) -> None:
        self._index_key = index_key

    def __call__(self, keyspace: Keyspace, kind: str, row: Item) -> Iterator[str]:
        """Keys of the rows that lead to ``row``."""
        if kind == "employee" and row.get("national_id"):
            hashed = person_hash(self._index_key(keyspace.tenant_id or ""), row["national_id"])
            yield keyspace.key("UNIQ", "PERSON", row["contract_id"], hashed)


def rows_of_imports(
    database: Database, keyspace: Keyspace, name: str, employee: Item
) -> Iterator[Item]:
    """Chunks of the imports that changed a person; its history names them."""
    if name != IMPORTS:
        return
    history = database.query_all("core", keyspace.key("HIST", f"employee:{employee['id']}"))
    imports = dict.fromkeys(
        str(row["detail"]["import_id"])
        for row in history
        if row["action"] == "employee.changed_by_import"
    )
    for import_id in imports:
        yield from database.query_all("core", keyspace.key("IMPORT", import_id), prefix="CHUNK#")
