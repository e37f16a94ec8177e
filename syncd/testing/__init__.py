"""What tests lean on, public for SDK users as well: replicas, fakes, clocks, strategies."""
