"""For all tests. A browser starts only where a test asks for one."""

pytest_plugins = ["browser_fixtures"]
