"""Search a recipe's settings for a table: what may be searched, by which score, and how a search survives a kill."""
