"""What holds for all tests."""

from hypothesis import HealthCheck, settings

# No test asserts a time: neither that of an example nor that of making one up.
settings.register_profile("edgerec", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("edgerec")
