"""`python -m syncd.cli`: the command, where its script is not installed."""

from syncd.cli import main

main()
