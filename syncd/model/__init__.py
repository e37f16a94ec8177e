"""What is true: ids, stamps, events, lowering, cells, order, views. Pure, total, no recursion."""
