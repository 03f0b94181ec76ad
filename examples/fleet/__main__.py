"""The PBXs of fleet.yaml, or of another file: `pulumi config set file customer-a.yaml`."""

from pathlib import Path

import pulumi
from fleet_file import FleetFileError, load

from pulumi_yspartner import PbxCapacity

try:
    fleet = load(Path(pulumi.Config().get("file") or "fleet.yaml"))
except FleetFileError as error:
    raise pulumi.RunError(f"{error}\nNothing was bought.") from None

pbxs = {pbx.name: PbxCapacity(pbx.name, **pbx.declared()) for pbx in fleet}

pulumi.export("capacity", {name: pbx.capacity for name, pbx in pbxs.items()})
pulumi.export("status", {name: pbx.status for name, pbx in pbxs.items()})
