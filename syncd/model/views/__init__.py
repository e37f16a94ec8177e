"""What a device shows, computed from the cells of one stream and never stored. Pure; every view is total on any cells
that events can write, also when some have not arrived yet."""
