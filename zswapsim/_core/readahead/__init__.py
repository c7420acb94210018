"""Choose the pages that come in beside one that faults, and give pages their swap slots."""
