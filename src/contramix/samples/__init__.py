"""Store samples (records converted to tensors or graphs), and select batches of them by row number."""
