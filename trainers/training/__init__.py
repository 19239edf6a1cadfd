"""The torch side of training: attention, the model, the trainer, its progress."""
