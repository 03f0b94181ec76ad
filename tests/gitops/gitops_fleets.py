"""Declarations that the tests of both platforms propose."""

DEPOT_40 = 'depot:\n  serial_number: "3651D3296884"\n  concurrent_calls: 40\n'
DEPOT_45 = DEPOT_40.replace("40", "45")
BRANCH_120 = """\
hq:
  serial_number: "3651D3296882"
  extensions: 250
branch:
  serial_number: "3651D3296883"
  extensions: 120
"""
