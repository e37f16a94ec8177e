"""What is known now: cells, checkpoints, writers. `port` is the contract, the other files keep it."""
