"""One PBX that must have at least 250 extensions and 60 concurrent calls."""

import pulumi

from pulumi_yspartner import PbxCapacity

config = pulumi.Config()

hq = PbxCapacity(
    "hq",
    serial_number=config.get("serialNumber") or "3651D3296882",
    extensions=config.get_int("extensions") or 250,
    concurrent_calls=config.get_int("concurrentCalls") or 60,
)

pulumi.export("hq", hq.capacity)
