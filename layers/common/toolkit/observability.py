"""Structured logs and counted metrics, with everything personal masked before it is written."""

import logging
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics import Metrics, MetricUnit

from toolkit.redaction import redact

# These libraries print bodies or headers at lower levels (security.md S4).
_NOISY: Final = ("zeep", "urllib3", "httpx", "httpcore", "botocore", "boto3")


class RedactingFormatter(LambdaPowertoolsFormatter):
    """Masks the whole record, whatever library produced it."""

    def serialize(self, log: Any) -> str:
        """JSON text of a masked record."""
        return super().serialize(redact(dict(log)))


@cache
def logger(service: str) -> Logger:
    """The one logger of a service in this process."""
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    return Logger(
        service=service, logger_formatter=RedactingFormatter(), log_uncaught_exceptions=False
    )


def count(service: str, values: Mapping[str, int], **dimensions: str) -> None:
    """Write business counters as one embedded-metric line (no call to CloudWatch)."""
    metrics = Metrics(namespace="kopru", service=service)
    for name, label in dimensions.items():
        metrics.add_dimension(name=name, value=label)
    for name, amount in values.items():
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=amount)
    metrics.flush_metrics()
