"""Making it count: folds the log into the store's cells, each record once, by one holder of a lease at a time."""
