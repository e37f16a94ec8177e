"""The order of a list: a tree of runs, kept as a sequence of slots."""
