"""What the operators' console shows and does, made of the same operations as the commands.

`figures` and `panel`: how processes do, second by second. `desk`: what operators look at and do, with `jobs` for long
work, `difference` between two states, and `documents`, which say it in JSON.
Source: docs/decisions/0024-operators-door.md
"""
