"""Pages in a real browser. The recorded previews of `tests/review` are shown too."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "review"))
