"""syncd: every device of an account shows one truth.

The rooms and the arrows between them are drawn in docs/architecture.md.
"""

import syncd.compiled  # noqa: F401  # first of all: from here on a module may be found compiled

__version__ = "0.1.0"
