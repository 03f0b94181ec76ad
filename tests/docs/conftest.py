"""Tests of the README and of the documentation's pages."""

from engine_fixtures import pulumi_cli

__all__ = ["pulumi_cli"]
