"""Count the pages that a compressing device loses: by headroom, and where zeros are overwritten."""
