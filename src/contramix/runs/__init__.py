"""Pre-train and fine-tune models in a folder, so that an interrupted training can be resumed."""
