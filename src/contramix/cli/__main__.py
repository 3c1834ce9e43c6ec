"""Run the command line by ``python -m contramix.cli``, as ``contramix`` does."""

from contramix.cli import main

main()
