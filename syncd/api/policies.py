"""What a browser may load and run of an answer: content security policies, from nothing to pages with scripts."""

from __future__ import annotations

from typing import Final

BASE_POLICY: Final = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
"""Of answers that are no pages: a browser that is made to show one loads and runs nothing."""
PAGE_POLICY: Final = f"{BASE_POLICY}; style-src 'self'; img-src 'self' data:"
"""Of pages without scripts."""
SCRIPTED_PAGE_POLICY: Final = (
    f"{PAGE_POLICY} blob:; media-src 'self' blob:; script-src 'self'; worker-src 'self'; connect-src 'self'"
)
"""Of pages with scripts: files of ours, no inline code. It ends with where they may connect; more may be appended."""
