"""User pages lie in frames, on LRU lists, from which direct reclaim takes them."""
