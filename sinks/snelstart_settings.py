"""What must be known to book in SnelStart: the customer's key, ENK's key, and the mapping."""

from __future__ import annotations

from enum import StrEnum

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr

from schemas.invoice import InvoiceLine
from sinks.mapping import AdministrationMapping
from vendors.snelstart.client import AUTH_URL, BASE_URL, Endpoint


class VerlegdAmount(StrEnum):
    """The VAT amount in the InkopenVerlegd row of a purchase; SnelStart does not document which it wants."""

    BEREKEND = "berekend"
    NUL = "nul"


class RelationCode(StrEnum):
    """Where a relatiecode comes from."""

    ENK = "enk"
    SNELSTART = "snelstart"


_FAMILIES = {
    # an ENK revenue account of the default chart, by VAT kind: SnelStart has one account per kind
    "8000": {"laag": "8010", "nul": "8040", "vrijgesteld": "8040", "geen": "8040", "verlegd": "8150"},
    "8100": {"laag": "8110", "nul": "8140", "vrijgesteld": "8140", "geen": "8140", "verlegd": "8150"},
    "8200": {"laag": "8210", "nul": "8240", "vrijgesteld": "8240", "geen": "8240", "verlegd": "8250"},
}
_ABROAD = {
    "8000": {"icp": "8070", "export": "8060"},
    "8100": {"icp": "8070", "export": "8060"},
    "8200": {"icp": "8270", "export": "8060"},
}
DEFAULT_ACCOUNTS = {
    f"{account}/{kind}": target
    for table in (_FAMILIES, _ABROAD)
    for account, targets in table.items()
    for kind, target in targets.items()
}
"""Revenue accounts of SnelStart's default chart per VAT kind, for an ENK that books all on one account."""


class SnelStartMapping(AdministrationMapping):
    """How one administration is written in SnelStart."""

    inkopen_verlegd: VerlegdAmount = Field(
        VerlegdAmount.BEREKEND,
        description="VAT amount of a reverse-charge purchase: berekend (assessed rate × base) or nul.",
    )
    markering_verlegd: bool = Field(
        True, description="Mark reverse-charge and foreign purchases for the bookkeeper to look at."
    )
    inkopen_buitenland_op_kosten: bool = Field(
        False,
        description="Book icp and import purchases on an ordinary cost account, without VAT and marked; "
        "else they need an account with an import function.",
    )
    relatiecode: RelationCode = Field(
        RelationCode.ENK, description="ENK's relation number as relatiecode, or numbered by SnelStart."
    )
    kostenplaatsen_aanmaken: bool = Field(
        False, description="Create a cost centre that SnelStart does not have (scope settings:write)."
    )

    def ledger_account(self, line: InvoiceLine) -> str:
        """The account of a line; without an entry in the mapping, that of SnelStart's default chart."""
        own = line.ledger_account
        key = f"{own}/{line.vat.kind}"
        return (
            self.ledger_accounts.get(key) or self.ledger_accounts.get(own) or DEFAULT_ACCOUNTS.get(key) or own
        )


class SnelStartApp(BaseModel):
    """ENK's own product at SnelStart, the same for all customers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    subscription_key: SecretStr = Field(description="Primary or secondary key of the B2B API product.")
    base_url: str = BASE_URL
    auth_url: str = AUTH_URL


class SnelStartCredentials(BaseModel):
    """The customer's key to one administration; the rest overrides the app's.

    A simulator hands out all four; its name for `base_url` is `api_url`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    koppelsleutel: SecretStr
    subscription_key: SecretStr | None = None
    base_url: str | None = Field(None, validation_alias=AliasChoices("base_url", "api_url"))
    auth_url: str | None = None

    def endpoint(self, app: SnelStartApp) -> Endpoint:
        """Where to call, and with which subscription key."""
        return Endpoint(
            subscription_key=(self.subscription_key or app.subscription_key).get_secret_value(),
            base_url=self.base_url or app.base_url,
            auth_url=self.auth_url or app.auth_url,
        )
