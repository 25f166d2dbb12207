"""A list as somebody likes it: a name for the address of a page with its filters."""

from dataclasses import dataclass
from typing import Final

from kernel.errors import Problem
from kernel.stamp import NEW, Stamp
from kernel.text import clean_free_text, fold, sort_key
from workspace.domain.problems import invalid, parsed_at

MAX_NAME: Final = 60
MAX_URL: Final = 1_000
MAX_VIEWS: Final = 200


@dataclass(frozen=True, slots=True)
class SavedView:
    """One saved view of a company.

    Shapes: ``url`` is a path of ours with its query, without paging; ``shared`` shows it to the
    colleagues, who see with their own rights behind it.
    """

    id: str
    name: str
    url: str
    owner_id: str
    shared: bool = False
    state: str = "active"
    stamp: Stamp = NEW

    def is_visible_to(self, person_id: str) -> bool:
        """Whether somebody of the company finds it in their list."""
        return self.state == "active" and (self.shared or self.owner_id == person_id)


def check_view_name(name: str, pointer: str = "/name") -> str:
    """The name in canonical form: one line of 1 to 60 characters.

    Raises: ValidationError("invalid_input").
    """
    cleaned = parsed_at(pointer, lambda: clean_free_text(name, MAX_NAME)).strip()
    if not cleaned or "\n" in cleaned:
        raise invalid(Problem(pointer, "required", "Give the view a name of one line."))
    return cleaned


def check_view_url(url: str, pointer: str = "/url") -> str:
    """A path of ours; raises ValidationError("invalid_input") with ``view_url``."""
    outside = not url.startswith("/") or url.startswith(("//", "/v1/", "/sign", "/views"))
    bad = any(char in "\\#" or ord(char) <= 0x20 or ord(char) >= 0x7F for char in url)
    if outside or bad or len(url) > MAX_URL:
        raise invalid(Problem(pointer, "view_url", "A view is the address of a page here."))
    return url


def by_name(views: list[SavedView]) -> list[SavedView]:
    """In the order of their names."""
    return sorted(views, key=lambda view: (sort_key(fold(view.name), "tr"), view.id))
