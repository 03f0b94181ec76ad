"""A Partner API on loopback, for demos, tests and pipelines. It counts the purchases that reach it.

```python
portal = Portal()
portal.add_pbx("3651D3296882", extensions=50, concurrent_calls=12)
with SandboxServer(portal) as server:
    ...  # order something from server.url
assert portal.purchases == 1
```
"""

from __future__ import annotations

from .dialect import DIALECTS, Dialect
from .faults import ENDPOINTS, KINDS, Fault, Faults
from .pbx_api import PBX_CLIENT_ID, PBX_CLIENT_SECRET
from .portal import ENTERPRISE, ULTIMATE, Behaviour, Order, Pbx, Plan, Portal, Service
from .server import SandboxServer

__all__ = [
    "DIALECTS",
    "ENDPOINTS",
    "ENTERPRISE",
    "KINDS",
    "PBX_CLIENT_ID",
    "PBX_CLIENT_SECRET",
    "ULTIMATE",
    "Behaviour",
    "Dialect",
    "Fault",
    "Faults",
    "Order",
    "Pbx",
    "Plan",
    "Portal",
    "SandboxServer",
    "Service",
]
