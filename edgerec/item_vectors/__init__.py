"""Item vectors by themselves: learned from a table, kept, continued, given to a training."""
