"""From differences to ordered statements: renames, dependents, order, hazards and the proof."""
