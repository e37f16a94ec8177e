"""Accounts, or a whole deployment, on their way to another place: gathered into lines, kept in files, delivered.

`gather` makes the lines, `file` keeps them, `delivery` brings them into a deployment. No line holds a secret: tokens
stay where they are, and people link new devices where their account arrives.
"""
