"""What happened: the durable, ordered home of all streams. `port` is the contract, the other files keep it."""
