"""What only the tests of this folder need."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# A machine that is busy with other tests makes an example slow, not wrong.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
