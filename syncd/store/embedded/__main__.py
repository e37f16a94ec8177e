"""The supervisor's own process: `python -m syncd.store.embedded ORDER`, started by `join`, never by hand."""

import os
import sys

from syncd.store.embedded.supervisor import Order, supervise


def main() -> int:
    """Leave the family of whoever started us, then supervise until nobody needs Postgres any more."""
    # The process that starts us lives on as a member. As its child we would stay behind as a zombie until it ends;
    # as a grandchild we belong to init. It has made the new session already, so that Ctrl-C passes us by.
    if os.fork():
        os._exit(0)
    os.umask(0o077)
    return supervise(Order.from_json(sys.argv[1]))


if __name__ == "__main__":
    sys.exit(main())
