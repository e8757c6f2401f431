"""Many cells: raced here or on a cluster, each recorded as soon as it is done."""
