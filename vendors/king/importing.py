"""King's import of a file into the books: relations one by one, journal posts as a whole or one by one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from vendors.king.company import VAT, KingCompany, Naw
from vendors.king.reader import Faulty, KingFile, Node, read_file
from vendors.king.rules import is_true
from vendors.simulation.books import (
    BookedDocument,
    BookedLine,
    BookedVat,
    Direction,
    RelationReference,
    Role,
)

_ROLES = {"KING_DEBITEUREN": Role.DEBTOR, "KING_CREDITEUREN": Role.CREDITOR}


@dataclass
class Report:
    """What became of a file; the text is what King writes in its log."""

    file: str
    kind: str = "onbekend"
    refused: bool = False
    read: int = 0
    messages: list[str] = field(default_factory=list)
    skipped: list[bytes] = field(default_factory=list)
    """Relations that were not read, as XML, for the rest file."""

    def text(self) -> str:
        """The report in lines."""
        head = f"Bestand {self.file} ({self.kind}): "
        verdict = "geweigerd" if self.refused else f"{self.read} verwerkt"
        return "\n".join([head + verdict, *(f"  {message}" for message in self.messages)])


def import_file(company: KingCompany, content: bytes, name: str) -> Report:
    """Read a file into the books, or refuse it; King reads what it can of relations."""
    report = Report(name)
    try:
        file = read_file(content)
    except Faulty as faulty:
        report.refused = True
        report.messages.extend(faulty.faults)
        return report
    report.kind = file.root.name
    if file.root.name in _ROLES:
        _import_relations(company, file, report)
    elif file.root.name == "KING_JOURNAAL":
        _import_journal(company, file, report)
    else:
        for piece in file.content.lists["DIGITAAL_ARCHIEF"]:
            company.archive.add(piece.get("DAR_EXTERN_ID") or piece["DAR_BESTANDSNAAM"])
            report.read += 1
    return report


def _import_relations(company: KingCompany, file: KingFile, report: Report) -> None:
    role = _ROLES[file.root.name]
    (nodes,) = file.content.lists.values()
    for node in nodes:
        number = node.get("NAW_NUMMER")
        if number is None:
            number = str(max((int(other) for other in company.relations), default=999) + 1)
            report.messages.append(f"regel {node.line}: zonder NAW_NUMMER; King koos {number}")
        number = str(int(number))
        problems = list(_relation_problems(company, role, number, node))
        if problems:
            report.messages.append(f"regel {node.line}: {number} overgeslagen: {', '.join(problems)}")
            report.skipped.append(node.source)
            continue
        before = company.relations.get(number)
        values = {**(before.values if before else {}), **_flat(node, "")}
        company.keep(Naw(role, number, values))
        report.read += 1


def _relation_problems(company: KingCompany, role: Role, number: str, node: Node) -> Iterable[str]:
    settings = company.settings
    before = company.relations.get(number)
    if int(number) == 0:
        yield "nummer 0"
    if number in company.accounts:
        yield "het nummer is een grootboekrekening"
    if before is not None and before.role is not role:
        yield "het nummer is in gebruik als " + ("debiteur" if role is Role.CREDITOR else "crediteur")
    vat_code = node.get("NAW_BTWCODE")
    if vat_code is not None and int(vat_code) not in settings.vat_codes:
        yield f"onbekende btw-code {vat_code}"
    condition = node.get("NAW_BETALINGSCONDITIE")
    if condition is not None and int(condition) not in settings.payment_conditions:
        yield f"onbekende betalingsconditie {condition}"
    currency = node.get("NAW_VALUTACODE")
    if currency not in {None, "EUR"}:
        yield f"onbekende valuta {currency}"
    language = node.get("NAW_TAALCODE")
    if language is not None and language not in settings.languages:
        yield f"onbekende taal {language}"
    account = node.get("NAW_TEGENREKENING")
    if account is not None and ledger_account(company, account) is None:
        yield f"onbekende tegenrekening {account}"
    address = node.blocks.get("NAW_VESTIGINGADRES", Node())
    if before is None and address.get("ADR_NAAM1") is None:
        yield "een nieuwe relatie zonder naam"


def _flat(node: Node, prefix: str) -> dict[str, str]:
    values = {f"{prefix}{name}": text for name, text in node.texts.items()}
    for name, block in node.blocks.items():
        values |= _flat(block, f"{prefix}{name}/")
    for name, items in node.lists.items():
        for place, item in enumerate(items, start=1):
            values |= _flat(item, f"{prefix}{name}/{place}/")
    return values


def ledger_account(company: KingCompany, number: str) -> str | None:
    """The account of a number that may carry a cost centre (`account.kp.kd`); None when it is unknown."""
    if number in company.accounts:
        return number
    account, _, centre = number.partition(".")
    known = all(part in company.cost_centres for part in centre.split(".") if part)
    return account if account in company.accounts and centre and known else None


@dataclass(frozen=True)
class Entry:
    """A line or its VAT, with its sign: debit positive."""

    account: str
    amount: Decimal
    text: str
    vat_code: str | None
    is_vat: bool


def _import_journal(company: KingCompany, file: KingFile, report: Report) -> None:
    posts = [
        (post, is_true(batch.get("BG_DEFINITIEF"), default=False))
        for batch in file.content.lists["BOEKINGSGANGEN"]
        for post in batch.lists["JOURNAALPOSTEN"]
    ]
    wrong = {id(post): problems for post, _ in posts if (problems := list(_post_problems(company, post)))}
    for post, _ in posts:
        for problem in wrong.get(id(post), ()):
            report.messages.append(f"regel {post.line}: {problem}")
    if wrong and company.settings.wrong_post == "file":
        report.refused = True
        return
    for post, definitive in posts:
        if id(post) not in wrong:
            _book(company, post, definitive, report.file)
            report.read += 1
    report.refused = report.read == 0


def _post_problems(company: KingCompany, post: Node) -> Iterable[str]:
    name = post.get("JP_OMSCHRIJVING") or post.get("JP_STUKNUMMER") or "zonder omschrijving"
    direction = company.journal_direction(post["JP_DAGBOEKCODE"])
    if direction == "unknown":
        yield f"post {name}: onbekend dagboek {post['JP_DAGBOEKCODE']}"
        return
    booked_on = post.get("JP_BOEKDATUM")
    closed = company.settings.closed_until
    if booked_on is not None and closed is not None and date.fromisoformat(booked_on.strip()) <= closed:
        yield f"post {name}: periode van {booked_on} is afgesloten"
    total = Decimal(0)
    parties: set[str] = set()
    for line in post.lists["JOURNAALREGELS"]:
        total += _signed(line, "JR")
        yield from (f"post {name}: {problem}" for problem in _line_problems(company, line, direction))
        if line["JR_REKENINGNUMMER"] in company.relations:
            parties.add(line["JR_REKENINGNUMMER"])
        helper = line.blocks.get("HULPREKENING")
        if helper is not None:
            total += _signed(helper, "HULP")
    if total != 0:
        yield f"post {name}: niet in evenwicht, verschil {total}"
    if direction is not None and len(parties) != 1:
        yield f"post {name}: {len(parties)} debiteuren of crediteuren in plaats van 1"


def _line_problems(company: KingCompany, line: Node, direction: Direction | None) -> Iterable[str]:
    number = line["JR_REKENINGNUMMER"]
    naw = company.relations.get(number)
    if naw is None and ledger_account(company, number) is None:
        yield f"onbekende rekening, debiteur of crediteur {number}"
    wanted = {Direction.SALES: Role.DEBTOR, Direction.PURCHASE: Role.CREDITOR}
    if naw is not None and direction is not None and naw.role is not wanted[direction]:
        yield f"{number} is een {'debiteur' if naw.role is Role.DEBTOR else 'crediteur'}"
    account = company.accounts.get(number)
    if account is not None and not account.active:
        yield f"rekening {number} is geblokkeerd"
    helper = line.blocks.get("HULPREKENING")
    currencies = {line["JR_VALUTACODE"]} | ({helper["HULP_VALUTACODE"]} if helper else set())
    if currencies != {"EUR"}:
        yield f"onbekende valuta {', '.join(sorted(currencies - {'EUR'}))}"
    if helper is None:
        return
    code = helper.get("HULP_BTWCODE")
    if helper["HULP_SOORT"] == "BTW" and code is None and helper.get("HULP_REKENINGNUMMER") is None:
        yield "HULPREKENING zonder HULP_BTWCODE"
    if code is not None and int(code) not in company.settings.vat_codes:
        yield f"onbekende btw-code {code}"
    account_number = helper.get("HULP_REKENINGNUMMER")
    if account_number is not None and ledger_account(company, account_number) is None:
        yield f"onbekende hulprekening {account_number}"


def _signed(node: Node, prefix: str) -> Decimal:
    amount = Decimal(node[f"{prefix}_VALUTABEDRAG"].strip())
    return amount if node[f"{prefix}_BOEKZIJDE"] == "DEB" else -amount


def _entries(company: KingCompany, post: Node) -> Iterable[Entry]:
    for line in post.lists["JOURNAALREGELS"]:
        number = line["JR_REKENINGNUMMER"]
        helper = line.blocks.get("HULPREKENING")
        code = None if helper is None else helper.get("HULP_BTWCODE")
        code = None if code is None else f"{int(code):03d}"
        known = company.accounts.get(number)
        is_vat = known is not None and known.function == VAT
        yield Entry(number, _signed(line, "JR"), line.get("JR_OMSCHRIJVING") or "", code, is_vat)
        if helper is not None:
            account = helper.get("HULP_REKENINGNUMMER") or number
            yield Entry(account, _signed(helper, "HULP"), "", code, is_vat=True)


def _book(company: KingCompany, post: Node, definitive: bool, file: str) -> None:
    direction = company.journal_direction(post["JP_DAGBOEKCODE"])
    now = company.stage.clock()
    entry = int(post.get("JP_STUKNUMMER") or 0)
    if entry == 0:
        company.last_entry += 1
        entry = company.last_entry
    identifier = company.stage.new_id()
    if not isinstance(direction, Direction):
        company.books.arrived("post.other", identifier, str(entry), now)
        return
    sign = 1 if direction is Direction.SALES else -1
    entries = list(_entries(company, post))
    party = next(
        line for line in post.lists["JOURNAALREGELS"] if line["JR_REKENINGNUMMER"] in company.relations
    )
    number = party["JR_REKENINGNUMMER"]
    own = [item for item in entries if item.account not in company.relations]
    vat: dict[str, Decimal] = {}
    for item in own:
        if item.is_vat:
            kind = item.vat_code or item.account
            vat[kind] = vat.get(kind, Decimal(0)) - sign * item.amount
    booked_on = date.fromisoformat((post.get("JP_BOEKDATUM") or now.date().isoformat()).strip())
    due = party.get("JR_VERVALDATUM")
    invoice_number = party.get("JR_FACTUURNUMMER") or str(entry)
    archived = {
        line.get("JR_ARCHIEFSTUK_EXTERN_ID") for line in post.lists["JOURNAALREGELS"]
    } & company.archive
    company.books.add(
        BookedDocument(
            id=identifier,
            direction=direction,
            number=invoice_number,
            relation=RelationReference(
                id=number,
                code=number,
                name=company.books.relations[company.relations[number].role][number].name,
            ),
            gross=sign
            * sum((item.amount for item in entries if item.account in company.relations), Decimal(0)),
            vat=[BookedVat(kind=kind, amount=amount) for kind, amount in sorted(vat.items())],
            lines=[
                BookedLine(
                    account=item.account.partition(".")[0],
                    net=-sign * item.amount,
                    description=item.text,
                    vat_kind=item.vat_code,
                    cost_centre=item.account.partition(".")[2] or None,
                )
                for item in own
                if not item.is_vat
            ],
            date=booked_on,
            due_date=None if due is None else date.fromisoformat(due.strip()),
            journal=post["JP_DAGBOEKCODE"],
            provisional=not definitive,
            file=file,
            attachments=len(archived),
            created_at=now,
            arrival=company.books.arrived(f"post.{direction.value}", identifier, invoice_number, now),
        )
    )
