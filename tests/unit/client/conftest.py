"""What every test of the SDK may ask for."""

from __future__ import annotations

import pytest
from desk import Wire


@pytest.fixture
def wire() -> Wire:
    """A network of the test's own."""
    return Wire()
