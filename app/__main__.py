"""`python -m app`."""

import sys

from app.cli import main
from app.output import prepare_streams

if __name__ == "__main__":
    prepare_streams()
    sys.exit(main(sys.argv[1:]))
