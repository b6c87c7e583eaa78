"""King files as a bookkeeper's other programs write them."""

from __future__ import annotations

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def elements(**values: object) -> str:
    return "".join(f"<{name}>{value}</{name}>" for name, value in values.items() if value is not None)


def debtor(number: int | None = 130123, name: str | None = "Jansen Installaties B.V.", **more: object) -> str:
    address = f"<NAW_VESTIGINGADRES>{elements(ADR_NAAM1=name)}</NAW_VESTIGINGADRES>" if name else ""
    return f"{elements(NAW_NUMMER=number, **more)}{address}"


def debtors(*bodies: str) -> bytes:
    inner = "".join(f"<DEBITEUR>{body}</DEBITEUR>" for body in bodies)
    return f"{HEAD}<KING_DEBITEUREN><DEBITEUREN>{inner}</DEBITEUREN></KING_DEBITEUREN>".encode()


def creditors(*bodies: str) -> bytes:
    inner = "".join(f"<CREDITEUR>{body}</CREDITEUR>" for body in bodies)
    return f"{HEAD}<KING_CREDITEUREN><CREDITEUREN>{inner}</CREDITEUREN></KING_CREDITEUREN>".encode()


def vat(side: str, amount: str, code: str = "002") -> str:
    inner = elements(
        HULP_SOORT="BTW",
        HULP_BTWCODE=code,
        HULP_BOEKZIJDE=side,
        HULP_VALUTACODE="EUR",
        HULP_VALUTABEDRAG=amount,
    )
    return f"<HULPREKENING>{inner}</HULPREKENING>"


def line(account: object, side: str, amount: str, helper: str = "", **more: object) -> str:
    inner = elements(
        JR_REKENINGNUMMER=account, JR_BOEKZIJDE=side, JR_VALUTACODE="EUR", JR_VALUTABEDRAG=amount, **more
    )
    return f"<JOURNAALREGEL>{inner}{helper}</JOURNAALREGEL>"


def sale(number: str = "20260123", *lines: str, **more: object) -> str:
    chosen = lines or (
        line(130123, "DEB", "1380.00", JR_FACTUURNUMMER=number, JR_VERVALDATUM="2026-12-06"),
        line(8000, "CRED", "600.00", vat("CRED", "126.00")),
        line(8010, "CRED", "600.00", vat("CRED", "54.00", "001")),
    )
    return post("VERK", *chosen, **more)


def purchase(number: str = "TGN-2026/88123") -> str:
    return post(
        "INK",
        line(250051, "CRED", "242.00", JR_FACTUURNUMMER=number),
        line(7000, "DEB", "200.00", vat("DEB", "42.00", "012")),
    )


def post(journal: str, *lines: str, **more: object) -> str:
    head = elements(
        **{"JP_DAGBOEKCODE": journal, "JP_BOEKDATUM": "2026-11-06", "JP_OMSCHRIJVING": "post", **more}
    )
    return f"<JOURNAALPOST>{head}<JOURNAALREGELS>{''.join(lines)}</JOURNAALREGELS></JOURNAALPOST>"


def journal(*posts: str, definitive: str | None = "false") -> bytes:
    batch = elements(BG_OMSCHRIJVING="ENK", BG_DEFINITIEF=definitive)
    inner = f"<BOEKINGSGANG>{batch}<JOURNAALPOSTEN>{''.join(posts)}</JOURNAALPOSTEN></BOEKINGSGANG>"
    return f"{HEAD}<KING_JOURNAAL><BOEKINGSGANGEN>{inner}</BOEKINGSGANGEN></KING_JOURNAAL>".encode()


def archive(external_id: str) -> bytes:
    inner = elements(DAR_ARCHIEFSOORT="FACT", DAR_BESTANDSNAAM=r"C:\ENK\F.pdf", DAR_EXTERN_ID=external_id)
    piece = f"<DIGITAAL_ARCHIEFSTUK>{inner}</DIGITAAL_ARCHIEFSTUK>"
    root = "KING_DIGITAAL_ARCHIEF"
    return f"{HEAD}<{root}><DIGITAAL_ARCHIEF>{piece}</DIGITAAL_ARCHIEF></{root}>".encode()
