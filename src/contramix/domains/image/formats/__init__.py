"""Read the file formats of image data sets."""
