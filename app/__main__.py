"""`python -m app`: the same as the command `swarmscope`."""

import sys

from swarmscope import main

sys.exit(main())
