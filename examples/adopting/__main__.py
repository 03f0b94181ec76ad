"""The PBXs of fleet.yaml, as `yspartner export` wrote it."""

from pathlib import Path

import pulumi
import yaml

from pulumi_yspartner import PbxCapacity

FILE = Path("fleet.yaml")

if not FILE.exists():
    raise pulumi.RunError(f"{FILE} is missing: write it with `yspartner export > {FILE}`. Nothing was bought.")

for pbx in yaml.safe_load(FILE.read_text(encoding="utf-8")) or []:
    PbxCapacity(pbx.pop("name"), **pbx)
