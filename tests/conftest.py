"""What holds for all tests."""

from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

# No test asserts a time: neither that of an example nor that of making one up.
settings.register_profile("edgerec", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("edgerec")

# What these assert is shown with its values when it fails, as in the tests themselves.
for _shared in ("source.battery", "device_runtime.devices", "device_runtime.feeds"):
    pytest.register_assert_rewrite(f"tests.{_shared}")

_LONGEST: Final = (
    "source/test_movielens_same_bytes.py",
    "end_to_end/test_movielens_quality.py",
    "cli/test_cli.py",
    "source/test_battery.py",
    "declared/test_automatic.py",
    "cli/test_similar.py",
    "end_to_end/test_reproducible.py",
    "end_to_end/test_your_database.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest: one of them last, and all cores but one wait."""
    folder = Path(__file__).parent
    order = {folder / name: place for place, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: order.get(item.path, len(order)))
