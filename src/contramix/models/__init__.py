"""Provide pre-trained and fine-tuned models: train them, save them, load them, and compute results with them."""
