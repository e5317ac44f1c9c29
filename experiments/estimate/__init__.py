"""From the table of cells to estimates with intervals: the ladder, its steps, curves and heat maps."""
