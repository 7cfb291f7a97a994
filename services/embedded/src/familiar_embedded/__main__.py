"""``python -m familiar_embedded``: what ``make run`` runs."""

import sys

from familiar_embedded.cli import main

sys.exit(main())
