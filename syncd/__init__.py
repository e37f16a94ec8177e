"""syncd: every device of an account shows one truth.

The rooms and the arrows between them are drawn in docs/architecture.md.
"""

__version__ = "0.1.0"
