"""Own the frames of a node and grant them; place them on a NUMA node of the host."""
