"""Structured logs and counted metrics, with everything personal masked before it is written."""

import logging
import sys
from collections.abc import Mapping
from functools import cache
from typing import IO, Any, Final, cast

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


class _StandardOutput:
    """Standard output as it is at the moment of writing: whoever redirects it gets the lines."""

    def write(self, text: str) -> int:
        """Write to the current standard output."""
        return sys.stdout.write(text)

    def flush(self) -> None:
        """Flush the current standard output."""
        sys.stdout.flush()


@cache
def logger(service: str) -> Logger:
    """The one logger of a service in this process."""
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    # The runtime's root handler would print the record a second time, and without the mask.
    logging.getLogger(service).propagate = False
    return Logger(
        service=service,
        logger_formatter=RedactingFormatter(),
        log_uncaught_exceptions=False,
        stream=cast("IO[str]", _StandardOutput()),
    )


def count(service: str, values: Mapping[str, int], **dimensions: str) -> None:
    """Write business counters as one embedded-metric line (no call to CloudWatch)."""
    metrics = Metrics(namespace="kopru", service=service)
    for name, label in dimensions.items():
        metrics.add_dimension(name=name, value=label)
    for name, amount in values.items():
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=amount)
    metrics.flush_metrics()
