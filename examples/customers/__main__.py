"""The PBXs of one customer: each stack's configuration says which, and who is billed."""

import pulumi

from pulumi_yspartner import PbxCapacity, get_billing_contact

config = pulumi.Config()

contact = get_billing_contact(company=config.require("company"))

for name, counts in config.require_object("pbxs").items():
    PbxCapacity(
        name,
        serial_number=counts["serialNumber"],
        extensions=counts.get("extensions"),
        concurrent_calls=counts.get("concurrentCalls"),
        billing_contact_id=contact.id,
    )
