"""Calls to addresses of users go to the internet and nowhere else (security.md S32)."""

from collections.abc import Sequence

import httpcore
import pytest

from kernel.errors import TransientGatewayError
from toolkit.http.client import HttpClient, RouteRefusedError
from toolkit.http.public_route import is_public, public_route

PUBLIC = ["93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946"]
INTERNAL = [
    "127.0.0.1",
    "127.8.9.1",
    "0.0.0.0",  # noqa: S104  (an address that must be refused)
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:169.254.169.254",
    "::ffff:10.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "2001:0:a9fe:a9fe::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_called(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", INTERNAL)
def test_internal_addresses_are_not(address: str) -> None:
    assert not is_public(address)


def test_every_address_of_a_name_must_be_public() -> None:
    def look_up(_name: str, _port: int) -> Sequence[str]:
        return ["93.184.216.34", "10.0.0.1"]

    with pytest.raises(RouteRefusedError):
        public_route(look_up=look_up)("mixed.example", 443)


def test_a_name_is_looked_up_once_and_that_very_address_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name that answers differently a moment later leads nowhere new."""
    answers = iter([["93.184.216.34"], ["169.254.169.254"]])
    called = []

    def connect(_self: object, host: str, port: int, *_: object) -> httpcore.NetworkStream:
        called.append((host, port))
        raise httpcore.ConnectError("nobody there")

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    client = HttpClient(route=public_route(look_up=lambda _name, _port: next(answers)))
    codes = []
    for _ in range(2):
        with pytest.raises(TransientGatewayError) as refused:
            client.exchange("POST", "https://rebinding.example/x", deadline_seconds=5)
        codes.append(refused.value.code)
    assert called == [("93.184.216.34", 443)]
    assert codes == ["http.unreachable", "http.address_refused"]


def test_an_unknown_name_is_refused_before_anything_is_sent() -> None:
    def look_up(_name: str, _port: int) -> Sequence[str]:
        raise OSError("no such name")

    with pytest.raises(RouteRefusedError):
        public_route(look_up=look_up)("nowhere.example", 443)
    with pytest.raises(RouteRefusedError):
        public_route(look_up=lambda _name, _port: [])("empty.example", 443)


def test_this_machine_is_called_in_a_local_stack_only() -> None:
    def look_up(name: str, _port: int) -> Sequence[str]:
        return [name]

    route = public_route(allow_loopback=True, look_up=look_up)
    assert route("127.0.0.1", 8080) == "127.0.0.1"
    with pytest.raises(RouteRefusedError):
        route("192.168.1.1", 8080)
    with pytest.raises(RouteRefusedError):
        public_route(look_up=look_up)("127.0.0.1", 8080)
