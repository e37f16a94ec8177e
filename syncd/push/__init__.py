"""Telling everyone: the tail of the log, what is recent, who listens, and how a listener catches up."""
