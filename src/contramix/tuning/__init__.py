"""Search a recipe's settings for a data set, score each trial on held-out rows, and resume interrupted searches."""
