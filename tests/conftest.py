"""Profiles of hypothesis, and what every test may lean on."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# dev: quick answers at the desk. ci: what `make check` runs. deep: `make test-deep`, minutes to hours.
_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "print_blob": True}
settings.register_profile("dev", max_examples=50, **_COMMON)
settings.register_profile("ci", max_examples=100, **_COMMON)
settings.register_profile("deep", max_examples=5_000, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))
