"""Hold what users keep: pre-trained and fine-tuned models, in memory."""
