"""Keep a model in a folder that can be resumed."""
