"""The table of reasons: retry class, who acts, and the Dutch and the English sentence of every code.

`{name}` is a value, `[…]` a part that is left out when one of its values is not known. Every sentence says
what is wrong and then what to do.
"""

from __future__ import annotations

from schemas.codes import Code, CodeRule, RetryClass, WhoActs

AUTOMATIC, MAPPING, DOCUMENT, LOOK_UP = RetryClass
SUPPORT, PLATFORM, BOOKKEEPER, ENK_USER, VENDOR = WhoActs

TABLE: tuple[CodeRule, ...] = (
    CodeRule(
        Code.AUTH_EXPIRED,
        AUTOMATIC,
        PLATFORM,
        "De aanmelding bij het boekhoudpakket[ {package}] is verlopen. De koppeling meldt zich zelf "
        "opnieuw aan; u hoeft niets te doen.",
        "The session with the accounting package[ {package}] has expired. The coupling signs in "
        "again by itself; nothing needs to be done.",
    ),
    CodeRule(
        Code.AUTH_REVOKED,
        MAPPING,
        BOOKKEEPER,
        "Het boekhoudpakket[ {package}] geeft de koppeling geen toegang meer. Koppel de "
        "administratie opnieuw; wat klaarstaat wordt daarna vanzelf verstuurd.",
        "The accounting package[ {package}] no longer grants the coupling access. Connect the "
        "administration again; what is waiting is then sent by itself.",
    ),
    CodeRule(
        Code.RATE_LIMITED,
        AUTOMATIC,
        PLATFORM,
        "Het boekhoudpakket[ {package}] staat nu geen verdere aanroepen toe. De koppeling gaat[ om "
        "{retry_at}] vanzelf verder; u hoeft niets te doen.",
        "The accounting package[ {package}] allows no more calls for now. The coupling goes on by "
        "itself[ at {retry_at}]; nothing needs to be done.",
    ),
    CodeRule(
        Code.UNAVAILABLE,
        AUTOMATIC,
        VENDOR,
        "Het boekhoudpakket[ {package}] is niet bereikbaar. De koppeling probeert het vanzelf "
        "opnieuw[ om {retry_at}]; u hoeft niets te doen.",
        "The accounting package[ {package}] cannot be reached. The coupling tries again by itself[ "
        "at {retry_at}]; nothing needs to be done.",
    ),
    CodeRule(
        Code.TIMEOUT_UNCERTAIN,
        LOOK_UP,
        SUPPORT,
        "Het boekhoudpakket[ {package}] gaf geen duidelijk antwoord, dus het is niet zeker of "
        "document[ {number}] geboekt is. De koppeling zoekt het op voordat er iets opnieuw wordt "
        "verstuurd; kan dat niet, zoek het dan zelf op in het pakket en meld het resultaat.",
        "The accounting package[ {package}] gave no clear answer, so it is not certain whether "
        "document[ {number}] was booked. The coupling looks it up before anything is sent again; "
        "where it cannot, look it up in the package and report what you found.",
    ),
    CodeRule(
        Code.NOT_FOUND_RELATION,
        DOCUMENT,
        ENK_USER,
        "De relatie[ {relation}] van dit document is (nog) niet bekend bij de koppeling[: "
        "{problem}]. Sla de relatie in ENK opnieuw op; het document gaat daarna vanzelf verder.",
        "The relation[ {relation}] of this document is not known to the coupling (yet)[: {problem}]. "
        "Save the relation in ENK again; the document then goes on by itself.",
    ),
    CodeRule(
        Code.NOT_FOUND_LEDGER_ACCOUNT,
        MAPPING,
        BOOKKEEPER,
        "Grootboekrekening[ {ledger_account}] bestaat niet in het boekhoudpakket[ {package}]. Maak "
        "de rekening daar aan of wijs in de koppeling een andere rekening toe, en verstuur het "
        "document opnieuw.",
        "Ledger account[ {ledger_account}] does not exist in the accounting package[ {package}]. "
        "Create it there or map it to another account, and send the document again.",
    ),
    CodeRule(
        Code.NOT_FOUND_JOURNAL,
        MAPPING,
        BOOKKEEPER,
        "Dagboek[ {journal}] bestaat niet in het boekhoudpakket[ {package}]. Maak het dagboek daar "
        "aan of kies in de koppeling een ander dagboek, en verstuur het document opnieuw.",
        "Journal[ {journal}] does not exist in the accounting package[ {package}]. Create it there "
        "or choose another journal in the coupling, and send the document again.",
    ),
    CodeRule(
        Code.NOT_FOUND_VAT,
        MAPPING,
        BOOKKEEPER,
        "Btw-code[ {vat_code}][ voor btw-soort {vat_kind}][ {rate}%] bestaat niet in het "
        "boekhoudpakket[ {package}]. Wijs in de koppeling een bestaande btw-code toe en verstuur het "
        "document opnieuw.",
        "VAT code[ {vat_code}][ for VAT kind {vat_kind}][ {rate}%] does not exist in the accounting "
        "package[ {package}]. Map it to an existing VAT code and send the document again.",
    ),
    CodeRule(
        Code.NOT_FOUND_COST_CENTRE,
        MAPPING,
        BOOKKEEPER,
        "Kostenplaats[ {cost_centre}] bestaat niet in het boekhoudpakket[ {package}]. Maak de "
        "kostenplaats daar aan, wijs een andere toe of zet kostenplaatsen in de koppeling uit, en "
        "verstuur het document opnieuw.",
        "Cost centre[ {cost_centre}] does not exist in the accounting package[ {package}]. Create it "
        "there, map it to another one or switch cost centres off in the coupling, and send the "
        "document again.",
    ),
    CodeRule(
        Code.NOT_FOUND_PROJECT,
        MAPPING,
        BOOKKEEPER,
        "Project[ {project}] bestaat niet in het boekhoudpakket[ {package}]. Maak het project daar "
        "aan, wijs een ander toe of zet projecten in de koppeling uit, en verstuur het document "
        "opnieuw.",
        "Project[ {project}] does not exist in the accounting package[ {package}]. Create it there, "
        "map it to another one or switch projects off in the coupling, and send the document again.",
    ),
    CodeRule(
        Code.BLOCKED_LEDGER_ACCOUNT,
        MAPPING,
        BOOKKEEPER,
        "Op grootboekrekening[ {ledger_account}] kan in het boekhoudpakket[ {package}] niet geboekt "
        "worden. Hef de blokkade daar op of wijs een andere rekening toe, en verstuur het document "
        "opnieuw.",
        "Ledger account[ {ledger_account}] is blocked for booking in the accounting package[ "
        "{package}]. Unblock it there or map it to another account, and send the document again.",
    ),
    CodeRule(
        Code.BLOCKED_RELATION,
        MAPPING,
        BOOKKEEPER,
        "Relatie[ {relation}] is geblokkeerd in het boekhoudpakket[ {package}]. Hef de blokkade daar "
        "op en verstuur het document opnieuw.",
        "Relation[ {relation}] is blocked in the accounting package[ {package}]. Unblock it there "
        "and send the document again.",
    ),
    CodeRule(
        Code.PERIOD_CLOSED,
        MAPPING,
        BOOKKEEPER,
        "De periode[ {period}][ van {date}] is afgesloten in het boekhoudpakket[ {package}]. Open de "
        "periode daar en verstuur het document opnieuw.",
        "The period[ {period}][ of {date}] is closed in the accounting package[ {package}]. Open it "
        "there and send the document again.",
    ),
    CodeRule(
        Code.YEAR_MISSING,
        MAPPING,
        BOOKKEEPER,
        "Boekjaar[ {year}] bestaat niet in het boekhoudpakket[ {package}]. Maak het boekjaar daar "
        "aan en verstuur het document opnieuw.",
        "Financial year[ {year}] does not exist in the accounting package[ {package}]. Create it "
        "there and send the document again.",
    ),
    CodeRule(
        Code.DUPLICATE_NUMBER,
        LOOK_UP,
        BOOKKEEPER,
        "Er bestaat al een ander document met nummer[ {number}][: {problem}]. Controleer welk "
        "document klopt; het nieuwe document is niet geboekt.",
        "Another document with number[ {number}] already exists[: {problem}]. Check which one is "
        "right; the new one has not been booked.",
    ),
    CodeRule(
        Code.UNBALANCED,
        DOCUMENT,
        SUPPORT,
        "De bedragen van dit document kloppen niet met elkaar[: {problem}]. Het document is niet "
        "geboekt; laat ENK het herstellen en opnieuw versturen.",
        "The amounts of this document do not add up[: {problem}]. It has not been booked; have ENK "
        "correct it and send it again.",
    ),
    CodeRule(
        Code.VAT_MISMATCH,
        DOCUMENT,
        SUPPORT,
        "De btw van dit document klopt niet[: {problem}]. Het document is niet geboekt; corrigeer de "
        "btw in ENK en verstuur het opnieuw.",
        "The VAT of this document is not right[: {problem}]. It has not been booked; correct the VAT "
        "in ENK and send it again.",
    ),
    CodeRule(
        Code.REQUIRED_FIELD,
        DOCUMENT,
        ENK_USER,
        "Een verplicht gegeven ontbreekt[ ({field})][: {problem}]. Vul het aan in ENK en verstuur "
        "het opnieuw.",
        "Something that is required is missing[ ({field})][: {problem}]. Fill it in in ENK and send "
        "it again.",
    ),
    CodeRule(
        Code.TOO_LONG,
        DOCUMENT,
        ENK_USER,
        "Een gegeven[ ({field})] is te lang[: {problem}]. Maak het korter in ENK en verstuur het opnieuw.",
        "A value[ ({field})] is too long[: {problem}]. Shorten it in ENK and send it again.",
    ),
    CodeRule(
        Code.BAD_FORMAT,
        DOCUMENT,
        ENK_USER,
        "Een gegeven[ ({field})] kan niet kloppen[: {problem}]. Verbeter het in ENK en verstuur het opnieuw.",
        "A value[ ({field})] cannot be right[: {problem}]. Correct it in ENK and send it again.",
    ),
    CodeRule(
        Code.CURRENCY_UNSUPPORTED,
        DOCUMENT,
        ENK_USER,
        "Valuta[ {currency}] wordt niet ondersteund; de koppeling verwerkt alleen EUR. Boek dit zelf "
        "in het boekhoudpakket of zet het in ENK in euro.",
        "Currency[ {currency}] is not supported; the coupling handles EUR only. Book this by hand in "
        "the accounting package or put it in euro in ENK.",
    ),
    CodeRule(
        Code.MODULE_MISSING,
        MAPPING,
        BOOKKEEPER,
        "De administratie mist een module of abonnement[ ({module})] dat de koppeling met[ "
        "{package}] nodig heeft. Schaf het aan bij de leverancier van het pakket; wat klaarstaat "
        "wordt daarna vanzelf verstuurd.",
        "The administration lacks a module or subscription[ ({module})] that the coupling[ with "
        "{package}] needs. Buy it from the package's vendor; what is waiting is then sent by itself.",
    ),
    CodeRule(
        Code.DESKTOP_LOCKED,
        AUTOMATIC,
        BOOKKEEPER,
        "De administratie is in het boekhoudpakket[ {package}] in gebruik of vergrendeld[: "
        "{problem}]. Sluit haar daar; de koppeling probeert het vanzelf opnieuw.",
        "The administration is in use or locked in the accounting package[ {package}][: {problem}]. "
        "Close it there; the coupling tries again by itself.",
    ),
    CodeRule(
        Code.MAPPING_MISSING,
        MAPPING,
        BOOKKEEPER,
        "In de instellingen van de koppeling ontbreekt nog iets[: {problem}]. Vul het aan; wat "
        "klaarstaat wordt daarna vanzelf verstuurd.",
        "The settings of the coupling are not complete yet[: {problem}]. Fill it in; what is waiting "
        "is then sent by itself.",
    ),
    CodeRule(
        Code.UNKNOWN_ADMINISTRATION,
        AUTOMATIC,
        SUPPORT,
        "Administratie[ {administration}] is niet bekend bij de koppeling. Laat ENK de administratie "
        "aanmelden; wat klaarstaat gaat daarna vanzelf verder.",
        "Administration[ {administration}] is not known to the coupling. Have ENK announce it; what "
        "is waiting then goes on by itself.",
    ),
    CodeRule(
        Code.WRONG_COMPANY,
        MAPPING,
        SUPPORT,
        "De aanmelding opent een andere administratie in het boekhoudpakket[ {package}] dan die "
        "gekoppeld is[: {problem}]. Er wordt niets geboekt; koppel de juiste administratie.",
        "The credentials open another company in the accounting package[ {package}] than the one "
        "that was connected[: {problem}]. Nothing is booked; connect the right company.",
    ),
    CodeRule(
        Code.INVALID_EVENT,
        DOCUMENT,
        SUPPORT,
        "Het bericht van ENK[ ({field})] kan niet verwerkt worden[: {problem}]. Laat ENK het "
        "herstellen en opnieuw versturen.",
        "ENK's event[ ({field})] cannot be processed[: {problem}]. Have ENK correct it and send it again.",
    ),
    CodeRule(
        Code.SCHEMA_AHEAD,
        AUTOMATIC,
        PLATFORM,
        "ENK stuurt een gegeven dat deze versie van de koppeling nog niet kent[ ({field})]. Het "
        "document blijft staan en gaat na de volgende versie vanzelf verder; u hoeft niets te doen.",
        "ENK sends a field that this release of the coupling does not know yet[ ({field})]. The "
        "document stays and goes on by itself after the next release; nothing needs to be done.",
    ),
    CodeRule(
        Code.CHANGED_AFTER_BOOKING,
        DOCUMENT,
        ENK_USER,
        "Document[ {number}] is gewijzigd nadat het geboekt was. De boeking blijft zoals zij is; "
        "maak in ENK een creditfactuur en een nieuwe factuur.",
        "Document[ {number}] was changed after it had been booked. The booking stays as it is; make "
        "a credit invoice and a new invoice in ENK.",
    ),
    CodeRule(
        Code.BEFORE_GO_LIVE,
        MAPPING,
        BOOKKEEPER,
        "Document[ {number}][ van {date}] is van voor de ingangsdatum van de koppeling[ "
        "({go_live_date})] en wordt daarom niet verstuurd. Staat het niet in het boekhoudpakket, "
        "boek het daar dan zelf.",
        "Document[ {number}][ of {date}] was issued before the coupling's go-live date[ "
        "({go_live_date})] and is therefore not sent. If the accounting package does not have it, "
        "book it there by hand.",
    ),
    CodeRule(
        Code.NUMBER_RANGE_FULL,
        MAPPING,
        BOOKKEEPER,
        "De nummerreeks[ {space}] is vol[ ({first} tot en met {last})]. Geef in de koppeling een "
        "ruimere reeks op; wat klaarstaat wordt daarna vanzelf verstuurd.",
        "The number range[ {space}] is used up[ ({first} to {last})]. Set a wider range in the "
        "coupling; what is waiting is then sent by itself.",
    ),
    CodeRule(
        Code.RELAY_OFFLINE,
        AUTOMATIC,
        BOOKKEEPER,
        "Het koppelprogramma op de computer van de klant is niet verbonden. Zet die computer aan en "
        "controleer of het koppelprogramma draait; wat klaarstaat wordt daarna vanzelf verstuurd.",
        "The relay on the customer's computer is not connected. Switch that computer on and check "
        "that the relay runs; what is waiting is then sent by itself.",
    ),
    CodeRule(
        Code.ADMINISTRATION_INACTIVE,
        MAPPING,
        SUPPORT,
        "Administratie[ {administration}] staat in ENK op niet actief. Zet haar daar op actief; wat "
        "klaarstaat wordt daarna vanzelf verstuurd.",
        "Administration[ {administration}] is inactive in ENK. Make it active there; what is waiting "
        "is then sent by itself.",
    ),
    CodeRule(
        Code.HELD_BY_OPERATOR,
        MAPPING,
        SUPPORT,
        "De administratie is door de helpdesk stilgezet[ door {operator}][: {problem}]. Geef haar "
        "vrij om verder te gaan.",
        "The administration was put on hold by the support desk[ by {operator}][: {problem}]. "
        "Release it to go on.",
    ),
    CodeRule(
        Code.RECOVERY,
        LOOK_UP,
        PLATFORM,
        "De database is teruggezet. De koppeling zoekt elk document eerst op in het boekhoudpakket "
        "voordat er iets wordt verstuurd; u hoeft niets te doen.",
        "The database was restored. The coupling looks every document up in the accounting package "
        "before it sends anything; nothing needs to be done.",
    ),
    CodeRule(
        Code.WAITING_FOR_INVOICE,
        AUTOMATIC,
        ENK_USER,
        "Deze creditfactuur wacht tot factuur[ {credited}] geboekt is. Los eerst op waarom die "
        "factuur nog niet geboekt is; daarna gaat deze vanzelf verder.",
        "This credit waits until invoice[ {credited}] has been booked. First solve why that invoice "
        "has not been booked; this one then goes on by itself.",
    ),
    CodeRule(
        Code.UNSUPPORTED_BY_PACKAGE,
        DOCUMENT,
        BOOKKEEPER,
        "Het boekhoudpakket[ {package}] kan dit niet verwerken[: {problem}]. Boek het document zelf "
        "in het pakket.",
        "The accounting package[ {package}] cannot hold this[: {problem}]. Book the document by hand "
        "in the package.",
    ),
    CodeRule(
        Code.INTERNAL,
        LOOK_UP,
        SUPPORT,
        "Er is iets gebeurd dat de koppeling niet herkent[: {problem}][; het boekhoudpakket meldt: "
        "{vendor_message}]. De helpdesk zoekt het uit.",
        "Something happened that the coupling does not recognise[: {problem}][; the accounting "
        "package says: {vendor_message}]. The support desk looks into it.",
    ),
)
