from engine_fixtures import portal, pulumi_cli, stack, template

__all__ = ["portal", "pulumi_cli", "stack", "template"]
