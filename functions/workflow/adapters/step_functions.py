"""The state machine of approvals on AWS Step Functions."""

import json
from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from kernel.errors import TransientGatewayError
from kernel.sensitive import Secret
from workflow.domain.approvals.waiting import Answer

_STARTED: Final = "ExecutionAlreadyExists"
_GONE: Final = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})
_UNKNOWN: Final = "ExecutionDoesNotExist"


class StepFunctionsMachine:
    """``Machine`` over one state machine; every call may be repeated."""

    def __init__(self, client: Any, machine_arn: str) -> None:
        self._client = client
        self._machine_arn = machine_arn

    def start(self, name: str, task: Mapping[str, Any]) -> None:
        """See ``Machine``: the name is the identity, so a lost answer is found again by it."""
        try:
            self._client.start_execution(
                stateMachineArn=self._machine_arn, name=name, input=json.dumps(dict(task))
            )
        except ClientError as error:
            if _code(error) != _STARTED:
                raise _transient(error) from error
        except BotoCoreError as error:
            raise _transient(error) from error

    def wake(self, token: Secret, outcome: Mapping[str, Any]) -> Answer:
        """See ``Machine``."""
        try:
            self._client.send_task_success(
                taskToken=token.reveal("wake the execution"), output=json.dumps(dict(outcome))
            )
        except ClientError as error:
            if _code(error) in _GONE:
                return Answer.GONE
            raise _transient(error) from error
        except BotoCoreError as error:
            raise _transient(error) from error
        return Answer.TAKEN

    def state(self, name: str) -> Answer:
        """See ``Machine``."""
        arn = f"{self._machine_arn.replace(':stateMachine:', ':execution:')}:{name}"
        try:
            status = self._client.describe_execution(executionArn=arn)["status"]
        except ClientError as error:
            if _code(error) == _UNKNOWN:
                return Answer.GONE
            raise _transient(error) from error
        except BotoCoreError as error:
            raise _transient(error) from error
        return Answer.RUNNING if status == "RUNNING" else Answer.GONE


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _transient(error: Exception) -> TransientGatewayError:
    return TransientGatewayError(
        "machine_unavailable",
        "The work waits and goes on by itself.",
        detail=type(error).__name__,
    )
