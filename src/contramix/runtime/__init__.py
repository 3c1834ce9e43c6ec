"""Handle processes, randomness, precision, files, signals and memory, independently of any learning method."""
