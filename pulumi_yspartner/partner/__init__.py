"""Client of the Yeastar Partner Portal Open API: the only place that talks HTTP to it.

`connection` does one exchange, `answers` reads what is only half documented, `client` has a method per endpoint, and
`account` shares what belongs to the whole account between all who ask.
"""

from .account import Account
from .answers import BillingContact
from .client import Catalog, OrderRequest, PartnerClient, Receipt, connect

__all__ = ["Account", "BillingContact", "Catalog", "OrderRequest", "PartnerClient", "Receipt", "connect"]
