"""The allocator walks fallback lists; `page_alloc` has the walk, `zonelist_filter` the filter, `walk` the record."""
