"""`yspartner doctor`: what the configured account answers, before anything is bought. It only reads.

`examination` looks, `report` is what it saw, `table` shows that to people, `saved_answers` makes answers fit to be sent
to others.
"""

from __future__ import annotations

from .examination import ENDPOINTS, Doctor
from .report import Report

__all__ = ["ENDPOINTS", "Doctor", "Report"]
