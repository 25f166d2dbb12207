"""The simulated network is out for everybody, also for who holds a connection from before."""

from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from infra.local.simulators.dias.running import start_dias

pytestmark = pytest.mark.loopback


def test_an_open_connection_is_dropped_while_the_network_is_out(tmp_path: Path) -> None:
    now = [datetime(2026, 6, 1, 9, tzinfo=UTC)]
    dias = start_dias(tmp_path, lambda: now[0])
    address = urlsplit(dias.url)
    path = "/dias/organisations/91234/payments?since=2026-06-01"
    headers = {"authorization": "Bearer key"}
    connection = HTTPConnection(str(address.hostname), address.port, timeout=5)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        assert (answer.status, bool(answer.read())) == (200, True)
        dias.script({"down": {"hours": 1}})
        connection.request("GET", path, headers=headers)
        with pytest.raises((HTTPException, OSError)):
            connection.getresponse()
    finally:
        connection.close()
        now[0] += timedelta(hours=2)
        dias.stop()
