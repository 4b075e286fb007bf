"""``python -m edgerec``: the same as the command ``edgerec``."""

import sys

from edgerec.cli import main

if __name__ == "__main__":
    sys.exit(main())
