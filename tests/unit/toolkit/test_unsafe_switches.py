"""What must not be on in production is refused at start (security.md S47)."""

import pytest

from toolkit.settings import CommonSettings, Environment, SettingsError

_NEEDED = (
    "KOPRU_BASE_URL", "KOPRU_TABLE_CORE", "KOPRU_TABLE_LEDGER", "KOPRU_TABLE_FLOW",
    "KOPRU_TABLE_SECRETS", "KOPRU_TABLE_AUDIT", "KOPRU_TABLE_EDGE", "KOPRU_BUS",
    "KOPRU_QUEUE_PREFIX", "KOPRU_BUCKET_FILES", "KOPRU_BUCKET_RAW", "KOPRU_KEY_CREDENTIALS",
    "KOPRU_APP_SECRET",
)  # fmt: skip


def settings(stage: str, **switches: str) -> CommonSettings:
    """Settings of a stage in which everything else is set."""
    variables = dict.fromkeys(_NEEDED, "x")
    return CommonSettings.from_environment(
        Environment({**variables, "KOPRU_STAGE": stage, **switches})
    )


@pytest.mark.parametrize("value", ["true", "1", "TRUE", "yes"])
def test_production_does_not_log_what_comes_in(value: str) -> None:
    with pytest.raises(SettingsError, match="LOG_EVENT"):
        settings("prod", POWERTOOLS_LOGGER_LOG_EVENT=value)
    assert settings("prod", POWERTOOLS_LOGGER_LOG_EVENT="false").stage == "prod"


@pytest.mark.parametrize("stage", ["dev", "staging", "prod"])
def test_the_clock_is_moved_locally_only(stage: str) -> None:
    with pytest.raises(SettingsError, match="CLOCK_FILE"):
        settings(stage, KOPRU_CLOCK_FILE="/tmp/clock")
    assert settings("local", KOPRU_CLOCK_FILE="/clock").is_local


def test_an_unknown_stage_does_not_start() -> None:
    with pytest.raises(SettingsError, match="KOPRU_STAGE"):
        settings("production")
