"""The cloud half of the local stack: everything AWS would keep, in one process on one port.

:class:`LocalCloud` is the whole surface. The runtime half starts it, deploys ``template.yaml`` on
it, hands in an invoker, and then polls queues, fires schedules and answers HTTP on its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infra.local.cloud.local_cloud import LocalCloud

__all__ = ["LocalCloud"]


def __getattr__(name: str) -> Any:
    # moto takes seconds to import; whoever needs only the values of model.py does not pay for it.
    if name == "LocalCloud":
        from infra.local.cloud.light_imports import without_batch

        with without_batch():
            from infra.local.cloud.local_cloud import LocalCloud

        return LocalCloud
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
