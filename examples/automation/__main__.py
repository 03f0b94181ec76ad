"""The PBXs. `buy.py` runs this program, and so does `pulumi preview`."""

from pulumi_yspartner import PbxCapacity

PbxCapacity("hq", serial_number="3651D3296882", extensions=250, concurrent_calls=60)
PbxCapacity("branch", serial_number="3651D3296883", extensions=100)
