"""``python -m service.cli``."""

from __future__ import annotations

import sys

from service.cli.entry import main

sys.exit(main())
