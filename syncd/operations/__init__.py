"""What an operator asks of a deployment: the work behind the commands. Nothing here knows a terminal."""
