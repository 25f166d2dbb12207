"""Views of lists, kept on the server and shared by address."""

from dataclasses import dataclass, replace

from kernel.errors import ForbiddenError, NotFoundError, RuleViolationError
from kernel.ids import IdSource
from toolkit.auth import TenantContext
from workspace.domain.saved_view import (
    MAX_VIEWS,
    SavedView,
    by_name,
    check_view_name,
    check_view_url,
)
from workspace.ports import SystemStore


@dataclass(frozen=True, slots=True)
class ListViews:
    """One's own views and those that colleagues share, by name."""

    store: SystemStore

    def __call__(self, context: TenantContext, person_id: str) -> list[SavedView]:
        """Those somebody may see."""
        found = self.store.company(context).saved_views()
        return by_name([view for view in found if view.is_visible_to(person_id)])


@dataclass(frozen=True, slots=True)
class ReadView:
    """One view."""

    store: SystemStore

    def __call__(self, context: TenantContext, person_id: str, view_id: str) -> SavedView:
        """Raises: NotFoundError, also for a view that is somebody else's alone."""
        view = self.store.company(context).saved_view(view_id)
        if not view.is_visible_to(person_id):
            raise NotFoundError("not_found", "There is no such item.")
        return view


@dataclass(frozen=True, slots=True)
class SaveView:
    """Keeps the address of a page under a name."""

    store: SystemStore
    ids: IdSource

    def __call__(
        self, context: TenantContext, person_id: str, *, name: str, url: str, shared: bool
    ) -> SavedView:
        """Raises: ValidationError; RuleViolationError("too_many_views") above 200 of a company."""
        company = self.store.company(context)
        view = SavedView(
            self.ids.new(), check_view_name(name), check_view_url(url), person_id, shared
        )
        if sum(each.state == "active" for each in company.saved_views()) >= MAX_VIEWS:
            raise RuleViolationError("too_many_views", "Remove views that nobody needs first.")
        unit = company.unit()
        made = unit.add_saved_view(view)
        unit.commit()
        return made


@dataclass(frozen=True, slots=True)
class RemoveView:
    """Takes a view away, for everybody it was shared with too."""

    store: SystemStore

    def __call__(self, context: TenantContext, person_id: str, view_id: str) -> None:
        """Raises: NotFoundError; ForbiddenError("view_of_another") for a colleague's."""
        company = self.store.company(context)
        view = company.saved_view(view_id)
        if not view.is_visible_to(person_id):
            raise NotFoundError("not_found", "There is no such item.")
        if view.owner_id != person_id:
            raise ForbiddenError("view_of_another", "Only who saved a view removes it.")
        unit = company.unit()
        unit.save_saved_view(view, replace(view, state="removed"), "saved_view.removed")
        unit.commit()
