"""The real account, driven through the stacks of `tests/engine`."""

from engine_fixtures import pulumi_cli, template

__all__ = ["pulumi_cli", "template"]
