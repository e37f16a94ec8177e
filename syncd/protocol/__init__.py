"""What is said: messages, codecs, sessions, close codes. Pure: no sockets, no clock, no tasks."""
