"""``python -m familiar_camera``."""

import sys

from familiar_camera.cli import main

sys.exit(main())
