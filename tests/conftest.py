"""For all tests. A browser starts only where a test asks for one."""

import signal

pytest_plugins = ["browser_fixtures"]

# A shell starts what runs in the background with Ctrl-C ignored, and every process below inherits that. Tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
