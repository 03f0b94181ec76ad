"""An extension for everybody who works at a place, and one in ten to spare."""

import math

import pulumi

from pulumi_yspartner import PbxCapacity

config = pulumi.Config()

people = pulumi.StackReference(config.get("people") or f"{pulumi.get_organization()}/people/{pulumi.get_stack()}")
headcount = people.require_output("headcount")

# What was bought can't be given back, and a lowered count is refused. So when people leave, say here what the PBX has.
at_least = config.get_object("atLeast") or {}

for place, serial_number in {"hq": "3651D3296882", "branch": "3651D3296883"}.items():
    extensions = headcount[place].apply(lambda people: math.ceil(people * 1.1))
    floor = extensions.apply(lambda wanted, place=place: max(wanted, at_least.get(place, 1)))
    PbxCapacity(place, serial_number=serial_number, extensions=floor)
