"""AWS clients with the one retry and timeout policy of the product, one per service and
process.
"""

from functools import cache
from typing import Any, Final

from botocore.config import Config
from botocore.session import Session, get_session

# A repeated mail is a second mail: what is not idempotent is never repeated by the SDK.
_EFFECTS: Final = frozenset({"sesv2"})


def _config(service: str) -> Config:
    # Retries live at one layer only (reliability.md §6); three attempts cover throttling and lost
    # answers.
    attempts = 1 if service in _EFFECTS else 3
    return Config(
        connect_timeout=2,
        read_timeout=5,
        retries={"mode": "standard", "total_max_attempts": attempts},
        s3={"addressing_style": "path"},
    )


@cache
def _session() -> Session:
    return get_session()


@cache
def client(service: str) -> Any:
    """Cached client of ``service``; the only place that makes one.

    It is made by botocore, as ``boto3.client`` makes it: importing boto3 itself also imports its
    transfer manager and costs a quarter of a cold start (bench/cold.py).
    """
    return _session().create_client(service, config=_config(service))
