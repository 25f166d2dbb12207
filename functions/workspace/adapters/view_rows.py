"""Saved views and feeds as stored rows, and the part of a unit of work that writes them.

``core``: ``wsp#T#<t>#SAVED-VIEW#<id>`` / ``META``; ``wsp#SYS#PERSON#<id>`` / ``FEED`` names the
feed that counts, ``wsp#SYS#FEED#<hash>`` / ``META`` whose a feed is.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from toolkit.aws.rows import stamp_of
from toolkit.aws.unit_of_work import META, entity_key
from workspace.adapters.entity_writes import SYSTEM, UnitParts, change_entity, create_entity
from workspace.domain.saved_view import SavedView

FEED: Final = "FEED"


def view_from(row: Mapping[str, Any]) -> SavedView:
    """The view behind a row."""
    return SavedView(
        row["id"],
        row["name"],
        row["url"],
        row["owner_id"],
        row["shared"],
        row["state"],
        stamp_of(row),
    )


def feed_key(digest: str) -> str:
    """Key of a feed."""
    return SYSTEM.key("FEED", digest)


class ViewWrites(UnitParts):
    """``WorkspaceUnit``, as far as it is about views and feeds."""

    def add_saved_view(self, view: SavedView) -> SavedView:
        row = {
            "name": view.name,
            "url": view.url,
            "owner_id": view.owner_id,
            "shared": view.shared,
            "by_pk": self._tenant.keyspace.key("SAVED-VIEWS"),
            "by_sk": view.id,
        }
        stamp = create_entity(
            self._tenant, "saved_view", view.id, row, "saved_view.saved", view.state
        )
        return replace(view, stamp=stamp)

    def save_saved_view(self, before: SavedView, after: SavedView, action: str) -> SavedView:
        known = (before.state, before.stamp)
        stamp = change_entity(
            self._tenant, "saved_view", after.id, known, action, after.state, {"name": after.name}
        )
        return replace(after, stamp=stamp)

    def set_feed(self, person_id: str, digest: str) -> None:
        transaction = self._system.transaction
        key = entity_key(SYSTEM, "person", person_id)
        transaction.update("core", key, FEED, assign={"digest": digest}, label="feed")
        if digest:
            row = {"pk": feed_key(digest), "sk": META, "person_id": person_id}
            transaction.put_new("core", row, label="feed_lookup")
