"""Select the pages to read beside a faulting one, and allocate swap slots."""
