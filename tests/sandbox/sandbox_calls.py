"""A plain client of the Partner API, for the tests of the sandbox."""

from __future__ import annotations

from typing import Any

import httpx

SERIAL = "3651D3296882"
CONTACT = 3197218168379846218
PLAN = 3049040650094403584
EXTENSIONS = 3049060579827040256
CONCURRENT_CALLS = 3049060612492230656

TOKEN = "/auth/openapi/v1/oauth/token"
PRODUCTS = "/product/openapi/instance_product/v1/client/instance_product_list"
PRODUCT = "/product/openapi/instance_product/v1/detail"
PURCHASE_INFO = "/pricing/openapi/purchase/v1/purchase_product_info"
CONTACTS = "/user/openapi/user/v1/client/billing_contact_list"
PRICE = "/pricing/openapi/purchase/v1/pricing/calculate"
SAVE = "/order/openapi/order/v1/save"
ORDERS = "/order/openapi/order/v1/page"
ORDER = "/order/openapi/order/v1/get/"


class Api(httpx.Client):
    """A client that knows the documented calls, and nothing about the sandbox's insides."""

    def grant(self, **form: str) -> httpx.Response:
        return self.post(TOKEN, data=form)

    def sign_in(self) -> None:
        answer = self.grant(grant_type="pp_credentials", client_id="sandbox", client_secret="sandbox-secret")
        self.headers["Authorization"] = f"Bearer {answer.json()['result']['token']}"

    def result(self, path: str, **query: Any) -> Any:
        answer = self.get(path, params=query)
        assert answer.status_code == 200, answer.text
        assert answer.json()["code"] == "success", answer.text
        return answer.json()["result"]

    def order(self, **changes: Any) -> httpx.Response:
        return self.post(SAVE, json=order_body(**changes))

    def details(self) -> Any:
        return self.result(PRODUCT, productId=12, productNo=SERIAL)


def item(**changes: Any) -> dict[str, Any]:
    return {
        "connectionPlanId": PLAN,
        "serviceType": "service",
        "serviceId": EXTENSIONS,
        "quantity": 200,
        "purchaseType": "purchase",
        "billingModel": "recurring",
        "billingCycle": "annually",
    } | changes


def order_body(**changes: Any) -> dict[str, Any]:
    return {
        "operationType": "purchase_service",
        "productId": 12,
        "productNo": SERIAL,
        "billingId": CONTACT,
        "serviceList": [item()],
    } | changes
