"""`python -m sfctl`: the same door as the `sfctl` script."""

import sys

from sfctl.cli import main

if __name__ == "__main__":
    sys.exit(main())
