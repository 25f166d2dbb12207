"""The short way from an HTTP request to moto's DynamoDB handler.

Item operations are most of what the product does. Going through Flask and moto's request parsing
costs more than the operation itself, so they are answered here: the body is plain DynamoDB JSON,
the handler is moto's own, and errors are worded by moto's own serialiser.
"""

from __future__ import annotations

import base64
import json
from typing import Any, Final

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.core.utils import camelcase_to_underscores
from moto.dynamodb.responses import DynamoHandler
from werkzeug.exceptions import HTTPException

from infra.local.cloud.dynamodb.memory import ItemRecorder
from infra.local.cloud.moto_patches import DYNAMODB_LOCK
from infra.local.template import Scope

ITEM_OPERATIONS: Final = frozenset(
    {
        "BatchGetItem",
        "BatchWriteItem",
        "DeleteItem",
        "GetItem",
        "PutItem",
        "Query",
        "Scan",
        "TransactGetItems",
        "TransactWriteItems",
        "UpdateItem",
    }
)
"""What is answered here; tables themselves are moto's business from end to end."""


class DynamoDbFront:
    """Answers item operations."""

    def __init__(self, scope: Scope, recorder: ItemRecorder) -> None:
        self._scope = scope
        self._recorder = recorder

    def answer(self, operation: str, body: bytes) -> tuple[int, bytes]:
        """Status and JSON body of one request."""
        handler = DynamoHandler()
        handler.region = self._scope.region
        handler.current_account = self._scope.account_id
        handler.headers = {
            "x-amz-target": f"DynamoDB_20120810.{operation}",
            "Content-Type": "application/x-amz-json-1.0",
        }
        handler.querystring = {}
        handler.response_headers = {}
        request = json.loads(body)
        handler.body = handler.params = _with_bytes(request) if b'"B' in body else request
        with DYNAMODB_LOCK:
            try:
                result = getattr(handler, camelcase_to_underscores(operation))().result
                status, answer = 200, json.dumps(result, default=_plain).encode()
            except ServiceException as error:
                status, _, text = handler.serialized(ActionResult(error))
                answer = text if isinstance(text, bytes) else text.encode()
            except HTTPException as error:
                status = error.code or 400
                answer = str(error.description).encode()
            except (KeyError, ValueError) as error:
                # moto lets some mistakes in expressions through to Python.
                status, answer = 400, _validation_error(str(error))
            finally:
                self._recorder.flush()
        return status, answer


def _validation_error(message: str) -> bytes:
    kind = "com.amazon.coral.validate#ValidationException"
    return json.dumps({"__type": kind, "message": message}).encode()


def _with_bytes(value: Any) -> Any:
    """Binary attribute values as bytes: ``{"B": "<base64>"}``; a map *named* B is no text."""
    if isinstance(value, dict):
        if len(value) == 1:
            ((kind, inner),) = value.items()
            if kind == "B" and isinstance(inner, str):
                return {kind: base64.b64decode(inner)}
            if kind == "BS" and isinstance(inner, list):
                return {kind: [base64.b64decode(item) for item in inner]}
        return {key: _with_bytes(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_bytes(item) for item in value]
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    raise TypeError(f"{type(value).__name__} in an answer of DynamoDB")
