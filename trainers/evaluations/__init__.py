"""An adapter before judges while it is trained: what is asked of it, and when what came of that ends a training."""
