"""`python -m pulumi_yspartner` is the command `yspartner`."""

from __future__ import annotations

from .cli import main

if __name__ == "__main__":
    main(prog_name="yspartner")
