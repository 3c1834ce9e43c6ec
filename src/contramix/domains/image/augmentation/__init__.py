"""Augment batches of images on the device."""
