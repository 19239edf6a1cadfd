"""What stays of a training: the adapter folder, its record, its card, publishing it."""
