"""Tests run the sources, also beside a build (`make compiled`): some put their own methods into classes.

This is read before anything imports syncd. What a build does is examined by tests/integration/test_compiled.py.
"""

from __future__ import annotations

import os

os.environ.setdefault("SYNCD_COMPILED", "off")
