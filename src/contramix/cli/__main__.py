"""``python -m contramix.cli`` is ``contramix``."""

from contramix.cli import main

main()
