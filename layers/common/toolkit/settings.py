"""Typed settings, read once: the only module of the product that looks at the environment."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from kernel.clock import Clock, SystemClock
from toolkit.aws.dynamodb import Tables
from toolkit.http.origin import Origin
from toolkit.moved_time import following

LOCAL_STAGE: Final = "local"
_STAGES: Final = frozenset({"local", "dev", "staging", "prod"})


class SettingsError(RuntimeError):
    """The process was started with settings that are missing, malformed or unsafe for its stage."""


class Environment:
    """Read-only view of environment variables with precise complaints."""

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        self._variables = os.environ if variables is None else variables

    def text(self, name: str, default: str | None = None) -> str:
        """Value of ``name``; raises SettingsError when it is absent and has no default."""
        value = self._variables.get(name, "")
        if value:
            return value
        if default is None:
            message = f"environment variable {name} is not set"
            raise SettingsError(message)
        return default

    def integer(self, name: str, default: int) -> int:
        """Integer value of ``name``."""
        value = self._variables.get(name, "")
        if not value:
            return default
        try:
            return int(value)
        except ValueError as error:
            message = f"environment variable {name} is not a whole number"
            raise SettingsError(message) from error

    def mapping(self, name: str) -> dict[str, str]:
        """JSON object of texts in ``name``; empty when absent."""
        value = self._variables.get(name, "")
        if not value:
            return {}
        parsed = json.loads(value)
        if not isinstance(parsed, dict):
            message = f"environment variable {name} is not a JSON object"
            raise SettingsError(message)
        return {str(key): str(item) for key, item in parsed.items()}


@dataclass(frozen=True, slots=True)
class CommonSettings:
    """What every context needs: stage, addresses and names of the shared resources."""

    stage: str
    base_url: str
    tables: Tables
    bus: str
    queue_prefix: str
    files_bucket: str
    raw_bucket: str
    credentials_key: str
    app_secret: str
    clock_file: str
    origin_digests: str = ""

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Read and check the common settings.

        Raises: SettingsError for a missing value or a test switch in production.
        """
        stage = environment.text("KOPRU_STAGE")
        if stage not in _STAGES:
            message = f"KOPRU_STAGE {stage!r} is not one of {sorted(_STAGES)}"
            raise SettingsError(message)
        clock_file = environment.text("KOPRU_CLOCK_FILE", "")
        if clock_file and stage != LOCAL_STAGE:
            message = "KOPRU_CLOCK_FILE moves the clock and is allowed locally only"
            raise SettingsError(message)
        if stage == "prod" and environment.text("POWERTOOLS_LOGGER_LOG_EVENT", "false") != "false":
            message = "POWERTOOLS_LOGGER_LOG_EVENT would write personal data to logs in production"
            raise SettingsError(message)
        return cls(
            stage=stage,
            base_url=environment.text("KOPRU_BASE_URL").rstrip("/"),
            tables=Tables(
                core=environment.text("KOPRU_TABLE_CORE"),
                ledger=environment.text("KOPRU_TABLE_LEDGER"),
                flow=environment.text("KOPRU_TABLE_FLOW"),
                secrets=environment.text("KOPRU_TABLE_SECRETS"),
                audit=environment.text("KOPRU_TABLE_AUDIT"),
                edge=environment.text("KOPRU_TABLE_EDGE"),
            ),
            bus=environment.text("KOPRU_BUS"),
            queue_prefix=environment.text("KOPRU_QUEUE_PREFIX"),
            files_bucket=environment.text("KOPRU_BUCKET_FILES"),
            raw_bucket=environment.text("KOPRU_BUCKET_RAW"),
            credentials_key=environment.text("KOPRU_KEY_CREDENTIALS"),
            app_secret=environment.text("KOPRU_APP_SECRET"),
            clock_file=clock_file,
            origin_digests=environment.text("KOPRU_ORIGIN_DIGESTS", ""),
        )

    def queue_url(self, name: str) -> str:
        """URL of a work queue by its name, context and work: ``pensions-import``."""
        return f"{self.queue_prefix}{name}"

    def clock(self) -> Clock:
        """The clock every use case of this process is given."""
        return SystemClock(following(Path(self.clock_file)) if self.clock_file else None)

    @property
    def origin(self) -> Origin:
        """What functions that answer requests take for the front door: nothing asked locally.

        Raises: SettingsError in any other stage that does not say it.
        """
        if self.is_local:
            return Origin(())
        try:
            return Origin.parse(self.origin_digests)
        except ValueError as error:
            message = f"KOPRU_ORIGIN_DIGESTS is not set to {error}"
            raise SettingsError(message) from error

    @property
    def is_local(self) -> bool:
        """Whether this process runs in the local stack."""
        return self.stage == LOCAL_STAGE
