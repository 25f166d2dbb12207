"""What an answer of the DIAS-like gateway means: a closed table whose default is "unknown".

Source: style.md §11, reliability.md §4. Codes of the gateway decide, never words of a message.
"""

from collections.abc import Mapping
from typing import Final

from payment_codes.ports import Answer

_BY_STATUS: Final[Mapping[int, Answer]] = {
    200: Answer.OK,
    201: Answer.OK,
    401: Answer.CREDENTIALS,
    403: Answer.CREDENTIALS,
    # Said before anything was done: safe to come back.
    429: Answer.NOT_SENT,
}
_BY_CODE: Final[Mapping[str, Answer]] = {
    "EXISTS": Answer.OK,
    "ALREADY_CANCELLED": Answer.OK,
    "UNKNOWN_CODE": Answer.REFUSED,
    "INVALID_REQUEST": Answer.REFUSED,
    "ORGANISATION_CLOSED": Answer.REFUSED,
    "PAID": Answer.REFUSED,
    "MAINTENANCE": Answer.NOT_SENT,
}


def answer_of(status: int, code: str) -> Answer:
    """What is known after this answer."""
    return _BY_CODE.get(code) or _BY_STATUS.get(status, Answer.UNKNOWN)
