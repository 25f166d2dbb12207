"""What holds for every test: no network, no real account, UTC, and a scanner for personal data.

* Sockets are blocked. Tests of servers ask for the loopback interface with the marker
  ``loopback``; folders that are about the local stack have it by their path.
* Whatever a test prints (logs and metrics included) is searched for identity numbers, IBANs, API
  keys and secrets; finding one fails the test. ``prints_identities`` is for tests whose very
  subject that is.
* The ``aws`` fixture adds the key rules and the scan of stored rows (``tests/support/aws.py``).
"""

import logging
import os
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_socket
from hypothesis import settings as hypothesis_settings

from tests.support import scanner
from tests.support.aws import CREDENTIALS, aws, clock, ids, platform, settings
from tests.support.scanner import SCANNER, Scanner

__all__ = ["aws", "clock", "ids", "platform", "settings"]

# The same examples every time, however slow the machine; `make test-deep` looks for new ones
# (reliability.md section 13).
hypothesis_settings.register_profile("same", derandomize=True, deadline=None)
hypothesis_settings.register_profile("new", deadline=None)
hypothesis_settings.load_profile(os.environ.get("KOPRU_EXAMPLES", "same"))

os.environ.update(CREDENTIALS)
os.environ["TZ"] = "UTC"
os.environ.pop("AWS_PROFILE", None)
os.environ.pop("AWS_ENDPOINT_URL", None)
time.tzset()


class _RootLog(logging.Handler):
    """What libraries log past us. Our own loggers write masked lines to standard output and do not
    propagate; pytest listens to them unmasked, which is why its own log section is not searched.
    """

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line of the running test."""
        self.lines.append(self.format(record))


_ROOT_LOG: Final = _RootLog()
logging.getLogger().addHandler(_ROOT_LOG)

_HERE: Final = Path(__file__).parent
_LOOPBACK: Final = ["127.0.0.1", "::1", "localhost"]
# Folders whose subject is a server on this machine.
_SERVERS: Final = ("local", "simulators", "soap", "browser", "crash")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers of this file."""
    config.addinivalue_line("markers", "loopback: may open sockets to this machine")
    config.addinivalue_line("markers", "prints_identities: its output is not scanned")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests of servers by their folder."""
    for item in items:
        parts = item.path.relative_to(_HERE).parts if item.path.is_relative_to(_HERE) else ()
        if any(part in _SERVERS for part in parts[:-1]):
            item.add_marker("loopback")


@pytest.fixture(autouse=True)
def _network(request: pytest.FixtureRequest) -> None:
    # The plugin lifts the restriction after each test by itself.
    if request.node.get_closest_marker("e2e"):
        return
    if request.node.get_closest_marker("loopback"):
        pytest_socket.socket_allow_hosts(_LOOPBACK, allow_unix_socket=True)
    else:
        pytest_socket.disable_socket(allow_unix_socket=True)


@pytest.fixture(autouse=True)
def identity_scanner() -> Scanner:
    """The scanner of this test: ``secret`` and ``canary`` tell it what else to look for."""
    scanner.reset()
    _ROOT_LOG.lines.clear()
    return SCANNER


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, None]:
    """Fail a test that printed or logged something personal or secret."""
    outcome = yield
    report = outcome.get_result()
    if call.when != "call" or item.get_closest_marker("prints_identities"):
        return
    printed = [section for section in report.sections if " log " not in section[0]]
    for title, content in (*printed, ("Library log", "\n".join(_ROOT_LOG.lines))):
        found = [*SCANNER.identities(content), *SCANNER.secrets_in(content)]
        if found and not report.failed:
            report.outcome = "failed"
            report.longrepr = f"{title} contains {', '.join(found)} (security.md §5)"
