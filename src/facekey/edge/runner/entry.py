"""`python -m facekey_edge`."""

import sys

from facekey.edge.runner.command import main

sys.exit(main())
