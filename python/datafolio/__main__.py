"""``python -m datafolio``."""

from ._cli import main

main()
