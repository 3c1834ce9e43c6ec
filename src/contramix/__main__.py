"""``python -m contramix`` is ``contramix``; so torchrun starts it: ``torchrun --nproc-per-node 2 -m contramix ...``."""

from contramix.cli import main

main()
