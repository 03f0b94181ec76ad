"""The PBXs of this stack, as fleets/STACK.yaml declares them."""

from pathlib import Path

import pulumi
import yaml

from pulumi_yspartner import PbxCapacity

FLEET = Path("fleets", f"{pulumi.get_stack()}.yaml")

try:
    pbxs = {name: PbxCapacity(name, **declared) for name, declared in yaml.safe_load(FLEET.read_text("utf-8")).items()}
except (OSError, UnicodeError, yaml.YAMLError, AttributeError, TypeError) as error:
    problem = " ".join(str(error).split())
    raise pulumi.RunError(f"{FLEET}: {problem}. It must hold `name: {{serial_number: ..., ...}}`.") from None

pulumi.export("capacity", {name: pbx.capacity for name, pbx in pbxs.items()})
pulumi.export("status", {name: pbx.status for name, pbx in pbxs.items()})
