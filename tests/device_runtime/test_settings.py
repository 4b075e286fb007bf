"""Settings refuse what cannot work; addresses default to this device."""

import re

import pytest

from device_runtime.access import AccessSettings
from device_runtime.settings import ServerSettings, parse_address


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (":8080", ("127.0.0.1", 8080)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("[::1]:80", ("::1", 80)),
        ("shop.local:0", ("shop.local", 0)),
    ],
)
def test_addresses(address, expected):
    assert parse_address(address) == expected


@pytest.mark.parametrize("address", ["", "8080", "a", "a:b", ":70000", "::1:80", "http://a:80"])
def test_no_addresses(address):
    with pytest.raises(ValueError, match=r"address: expected HOST:PORT or :PORT, got"):
        parse_address(address)


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"port": -1}, "port: expected 0 to 65535, got -1"),
        ({"route": "recommend"}, "route: expected a path like /api/v1/recommend"),
        ({"route": "/a/{b}"}, "route: expected a path like /api/v1/recommend"),
        ({"host": "0.0.0.0"}, "'0.0.0.0' is reachable from other devices, so a token is expected"),
        ({"host": "shop.local"}, "or say that everyone there may ask (--no-token)"),
        ({"route": "/metrics"}, "route: expected a path like /api/v1/recommend"),
        ({"route": "/healthz"}, "route: expected a path like /api/v1/recommend"),
        ({"allowed_hosts": "shop.local"}, "allowed_hosts: expected a tuple of names"),
        ({"allowed_hosts": ("http://a",)}, "allowed_hosts: expected a name or address"),
        ({"allowed_hosts": ("a:80",)}, "allowed_hosts: expected a name or address without a port"),
        ({"allowed_hosts": ("0.0.0.0",)}, "allowed_hosts: expected a name or address"),
        ({"max_body_bytes": 0}, "max_body_bytes: expected 1 or more, got 0"),
        ({"max_candidates": -5}, "max_candidates: expected 1 or more, got -5"),
        (
            {"max_connections": 63},
            "max_connections: expected 64 or more, as many as max_requests, got 63",
        ),
        ({"idle_seconds": float("nan")}, "idle_seconds: expected more than 0, up to 3600, got nan"),
        ({"shutdown_seconds": -1}, "shutdown_seconds: expected 0 to 3600, got -1"),
    ],
)
def test_settings_out_of_range(setting, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        ServerSettings(**setting)


@pytest.mark.parametrize(
    ("host", "admitted"),
    [
        ("localhost", True),
        ("LOCALHOST:8080", True),
        ("localhost.", True),
        ("127.0.0.1:1", True),
        ("[::1]:8080", True),
        ("shop.local", True),
        ("10.0.0.5:80", True),
        ("", False),
        ("example.org", False),
        ("localhost.example.org", False),
        ("localhost:80:80", False),
        ("localhost:80@example.org", False),
        ("127.0.0.1 example.org", False),
        ("0.0.0.0", False),
    ],
)
def test_host_header(host, admitted):
    settings = ServerSettings(
        host="10.0.0.5", allowed_hosts=("Shop.local",), access=AccessSettings(no_token=True)
    )
    assert settings.admits(host) is admitted


def test_listening_everywhere_admits_no_other_name():
    settings = ServerSettings(host="0.0.0.0", access=AccessSettings(no_token=True))
    assert not settings.admits("0.0.0.0")
    assert settings.url == "http://127.0.0.1:8080/api/v1/recommend"
    assert ServerSettings(host="::1").url == "http://[::1]:8080/api/v1/recommend"
