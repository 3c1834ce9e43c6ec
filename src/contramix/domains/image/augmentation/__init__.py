"""Augment batches of images on the device that holds them."""
