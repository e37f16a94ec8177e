"""Who is at the door: sockets, admission, presence. Moves bytes, decides nothing about merging."""
