"""How long our stacks take, against no-op stacks of the same size: `python -m benchmarks --help`."""
