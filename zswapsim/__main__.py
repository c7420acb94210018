"""`python -m zswapsim` is the command line."""

import sys

from zswapsim.cli import main

if __name__ == "__main__":
    sys.exit(main())
