"""Backups: all tables as they were at one moment, in a folder, and the way back.

The plain ways are Postgres' own tools. They are not always there, must match the server's version, and know nothing of
what a restored log means to devices. So a backup is our own logical copy, through one connection, in one
repeatable-read transaction: servers go on meanwhile, and nobody waits.
Source: docs/decisions/0015-backups-are-our-own-copy.md
"""
