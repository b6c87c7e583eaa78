"""A relation: a debtor, a creditor, or both."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.currency import Currency
from schemas.identifiers import Bic, Iban, KvkNumber, VatIdentifier
from schemas.model import Count, Days, EventModel, Extensions, Filled, Flag, Id, Text


class Role(StrEnum):
    """What a relation is to the company."""

    DEBTOR = "debtor"
    CREDITOR = "creditor"


class AddressKind(StrEnum):
    """What an address is for."""

    VISITING = "visiting"
    POSTAL = "postal"
    INVOICE = "invoice"


class BankAccountKind(StrEnum):
    """An ordinary account, or a blocked one for wage tax and contributions (G-rekening)."""

    NORMAL = "normal"
    G_ACCOUNT = "g_account"


Country = Annotated[str, Field(strict=True, pattern=r"^[A-Z]{2}$", examples=["NL"])]
Language = Annotated[
    str, Field(strict=True, max_length=35, pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$", examples=["nl"])
]


class Address(EventModel):
    """One address."""

    kind: AddressKind = Field(description="visiting, postal or invoice.")
    street: Text = Field(description="Street, or `Postbus`.", examples=["Dorpsstraat"])
    house_number: Text = Field(description="House number with its addition.", examples=["12a"])
    postcode: Text = Field(description="Postcode as its country writes it.", examples=["1234 AB"])
    city: Text = Field(description="Town.", examples=["Utrecht"])
    country: Country = Field(description="ISO 3166-1 alpha-2.")


class BankAccount(EventModel):
    """One bank account."""

    iban: Iban = Field(description="IBAN.")
    bic: Bic | None = Field(None, description="BIC.")
    holder: Text | None = Field(None, description="In whose name it is.")
    kind: BankAccountKind = Field(description="normal or g_account.")


class PaymentTerms(EventModel):
    """When invoices are due."""

    code: Id | None = Field(None, description="ENK's code for these terms.", examples=["30D"])
    days: Days = Field(description="Days from issue to due.", examples=[30])


class Relation(EventModel):
    """The data of `nl.enk.relation.changed.v1`: the whole relation as it now is."""

    administration: Id = Field(description="The administration it belongs to.", examples=["adm-1001"])
    id: Id = Field(description="ENK's id, unique per administration.", examples=["rel-204"])
    revision: Count = Field(description="Rises with every change; may skip.", examples=[1])
    number: Id = Field(description="The number people know it by; leading zeros count.", examples=["00204"])
    roles: Annotated[tuple[Role, ...], Field(min_length=1)] = Field(description="debtor, creditor or both.")
    name: Filled = Field(description="Name.", examples=["Bakkerij de Jong"])
    search_name: Text | None = Field(None, description="Short name to search by.")
    kvk_number: KvkNumber | None = Field(None, description="Number in the Dutch trade register.")
    vat_identifier: VatIdentifier | None = Field(None, description="VAT id, country first.")
    addresses: tuple[Address, ...] = Field(description="Addresses, any number.")
    phone: Text | None = Field(None, description="Telephone.")
    email: Text | None = Field(None, description="E-mail.")
    invoice_email: Text | None = Field(None, description="E-mail for invoices.")
    website: Text | None = Field(None, description="Web site.")
    contact_person: Text | None = Field(None, description="Whom to ask for.")
    bank_accounts: tuple[BankAccount, ...] = Field(description="Bank accounts, any number.")
    payment_terms: PaymentTerms = Field(description="When invoices are due.")
    language: Language = Field(description="Language tag, such as nl.")
    currency: Currency = Field(description="EUR.")
    blocked: Flag = Field(description="Blocked in ENK; its invoices are still booked.")
    extensions: Extensions | None = Field(None, description="Anything else; not read.")
