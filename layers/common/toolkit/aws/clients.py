"""boto3 clients with the one retry and timeout policy of the product, one per service and
process.
"""

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

# Retries live at one layer only (reliability.md §6); three attempts cover throttling and lost
# answers.
_CONFIG = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "max_attempts": 3},
    s3={"addressing_style": "path"},
)


@cache
def client(service: str) -> Any:
    """Cached client of ``service``; the only place that makes one."""
    return boto3.client(service, config=_CONFIG)  # type: ignore[call-overload]
