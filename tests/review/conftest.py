from __future__ import annotations

from hypothesis import settings

# The same examples on every run, and no limits on time: CI machines are busy.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
