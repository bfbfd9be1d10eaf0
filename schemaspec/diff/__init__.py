"""Two schemas → what differs, and what of it counts by the spec's policy."""
