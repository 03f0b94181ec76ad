"""Tests of Pulumi programs that declare `PbxCapacity`: what would they buy, and what is refused?

```python
from pulumi_yspartner.testing import Pbx, preview

def test_the_hq_gets_what_is_missing():
    previewed = preview("path/to/project", [Pbx("3651D3296882", extensions=50, concurrent_calls=12)])

    assert previewed.purchases["hq"].quantities == {"extensions": 200, "concurrent_calls": 48}
    assert previewed.refused == {}
```

The program runs with Pulumi's mocks, and the real code plans its purchases. Only the portal is replaced, by the PBXs
that the test names: no network, no credentials, no environment, no Pulumi CLI, and nothing that could buy.
"""

from ..model import Purchase
from ..partner import BillingContact
from .account import Order, Pbx
from .program import Preview, preview

__all__ = ["BillingContact", "Order", "Pbx", "Preview", "Purchase", "preview"]
