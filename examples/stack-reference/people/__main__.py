"""How many people work where. A directory could say it; here the configuration does, or this text."""

import pulumi

pulumi.export("headcount", pulumi.Config().get_object("headcount") or {"hq": 227, "branch": 64})
