"""Run the command line: ``python -m contramix``, or ``torchrun --nproc-per-node 2 -m contramix ...``."""

from contramix.cli import main

main()
