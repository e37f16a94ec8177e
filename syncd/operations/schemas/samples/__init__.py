"""One good example of everything that is said: what documentation shows and vectors begin with."""
