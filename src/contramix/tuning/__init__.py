"""Search a recipe's settings for a data set: what is searched, how settings are scored, and how a search is resumed."""
