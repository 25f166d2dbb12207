"""State machine of approvals: keep the token of a wait, or say what its deadline means."""

from collections.abc import Mapping
from typing import Any

from kernel.sensitive import Secret
from toolkit.entrypoints.task import task_handler
from workflow.bootstrap import application


@task_handler("workflow")
def handler(step: Mapping[str, Any]) -> Mapping[str, Any]:
    """``{step: wait, task, token}`` keeps a token; ``{step: deadline, task}`` answers how it
    stands.
    """
    use = application().for_system(str(step["tenant_id"]), "approvals")
    if step["step"] == "wait":
        use.keep_token()(str(step["task"]), Secret(str(step["token"])))
        return {}
    return use.reach_deadline()(str(step["task"]))
