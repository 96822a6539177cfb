"""Names of columns as people write them, in four languages and in the field's own exports, and what they mean.

A mapping is only proposed from names that are known exactly (without regard to case, accents, spaces and
punctuation); a header that merely looks like one is left for a person to map.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from .layouts import fold_label

#: Other names of our columns, best first. Only the columns of the table at hand are looked up.
NAMES: dict[str, str] = {
    # contributions
    "reference": "contribution ref|transaction ref|transaction reference|contribution reference|ref code|ref|ref no|reference number|grant number|grant id|contribution id|contribution number|"
    "référence|réf|numéro de référence|n° de référence|référence de la contribution|"
    "referencia|ref|número de referencia|n° de referencia|"
    "المرجع|مرجع|رقم المرجع|الرقم المرجعي",
    "donor": "donor name|name of donor|donor organisation|donor organization|source organization|src organization|transaction provider org|provider org|provider organisation|provider|funder|contributor|donor government|"
    "donateur|bailleur|bailleur de fonds|nom du donateur|nom du bailleur|contributeur|"
    "donante|nombre del donante|contribuyente|"
    "المانح|الجهة المانحة|اسم المانح|المتبرع|اسم المتبرع",
    "donor_type": "donor class|donor category|type of donor|source organization type|src organization types|src organization type|provider org type|transaction provider org type|"
    "type de donateur|type de bailleur|catégorie de donateur|"
    "tipo de donante|categoría de donante|"
    "نوع المانح|فئة المانح|نوع الجهة المانحة",
    "date": "contribution date|date of contribution|transaction date|gift date|date received|received date|pledge date|value date|"
    "date de contribution|date de la contribution|date du don|date de réception|date de transaction|"
    "fecha|fecha de contribución|fecha de la contribución|fecha de la donación|fecha de recepción|fecha de transacción|"
    "التاريخ|تاريخ|تاريخ المساهمة|تاريخ التبرع",
    "operation": "operation key|operation code|operation name|operation id|country operation|country of operation|destination country|recipient country|pooled fund name|"
    "opération|code de l'opération|pays|pays d'opération|opération pays|"
    "operación|código de la operación|país|país de operación|"
    "العملية|رمز العملية|البلد|بلد العملية",
    "budget_year": "fiscal year|financial year|year of budget|programme year|program year|"
    "année budgétaire|exercice|exercice budgétaire|"
    "año presupuestario|ejercicio|ejercicio presupuestario|ejercicio fiscal|año fiscal|"
    "سنة الميزانية|السنة المالية",
    "amount_usd": "usd|us dollars|usd amount|usd equivalent|amount in us dollars|value usd|transaction value usd|contribution usd|amount us|"
    "dollars|dollars américains|montant en dollars|montant en dollars américains|"
    "dólares|dólares estadounidenses|importe en dólares|monto en dólares|"
    "المبلغ بالدولار|المبلغ بالدولار الأمريكي|القيمة بالدولار",
    "currency": "currency code|original currency|transaction currency|transaction value currency|currency of contribution|"
    "devise|monnaie|code de la devise|devise d'origine|"
    "moneda|divisa|código de moneda|moneda original|"
    "العملة|عملة|رمز العملة",
    "amount": "original amount|contribution amt|contribution amount|amount original currency|amount in original currency|transaction value|amount received|"
    "montant|montant d'origine|montant de la contribution|montant en devise|"
    "monto|importe|cantidad|monto original|importe original|"
    "المبلغ|مبلغ|المبلغ الأصلي|قيمة المساهمة",
    "earmarking": "earmarking level|earmark|earmarking type|type of earmarking|level of earmarking|"
    "affectation|type d'affectation|niveau d'affectation|"
    "asignación|tipo de asignación|nivel de asignación|"
    "التخصيص|نوع التخصيص|مستوى التخصيص",
    "description": "transaction description|title|purpose|details|remarks|comment|comments|contribution description|"
    "libellé|objet|descriptif|remarques|"
    "descripción|objeto|concepto|observaciones|"
    "الوصف|وصف|البيان|ملاحظات",
    # donors, operations, offices
    "name": "nom|titre|nombre|título|الاسم|اسم",
    "name_fr": "french name|title fr|nom français|nom en français",
    "name_es": "spanish name|title es|nombre español|nombre en español",
    "name_ar": "arabic name|title ar|الاسم بالعربية",
    "kind": "type|category|catégorie|tipo|categoría|النوع|الفئة",
    "country": "iso2|iso code|country code|pays|país|البلد",
    "countries": "country|country codes|pays|países|البلدان",
    "parent": "parent donor|belongs to|donateur parent|donante principal",
    "iati_reference": "donor ref|donor refs|iati ref|iati identifier|organisation identifier|organization identifier",
    "footnote": "note|note de bas de page|nota al pie|حاشية",
    "may_be_named": "may be named|public name",
    "code": "operation code|operation key|iso3|code opération|código|الرمز",
    "slug": "address",
    "region": "région|región|المنطقة",
    "latitude": "lat|y|latitud|خط العرض",
    "longitude": "lon|lng|long|x|longitud|خط الطول",
    "zoom": "zoom level",
    "first_year": "first year|from year|première année|primer año",
    "last_year": "last year|to year|dernière année|último año",
    "is_public": "public|publié|público",
    "is_approximate": "approximate|approximatif|aproximado",
    # figures
    "year": "année|año|السنة|سنة",
    "type": "population type|type de population|tipo de población|نوع السكان",
    "people": "number of people|population|persons|individuals|value|personnes|nombre de personnes|personas|número de personas|عدد الأشخاص|السكان",
    "missing_reason": "reason missing|reason|motif|motivo",
    "as_of": "as at|date|au|a fecha de|حتى تاريخ",
    "source": "data source|fuente|المصدر",
    "measure": "mesure|medida",
    "pillar": "impact area|pilier|pilar|الركيزة",
    "status": "statut|estado|الحالة",
}  # fmt: skip

# A column of money in dollars often says so behind its name: “Amount (USD)”, “Montant en USD”.
IN_DOLLARS = re.compile(r"(.+?)(?: (?:in|en|b))? (?:usd|us dollars?|us)")
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

# HXL (hxlstandard.org): the tag, the attributes that a column has and those that it has not.
TAGS: list[tuple[str, str, set[str], set[str]]] = [
    ("reference", "#activity", {"code"}, {"project", "appeal"}),
    ("donor", "#org", {"name", "funder"}, {"type", "impl"}),
    ("donor", "#org", {"funder"}, {"type", "impl", "code", "id", "list"}),
    ("donor_type", "#org", {"type", "funder"}, {"impl"}),
    ("budget_year", "#date", {"year", "budget"}, set()),
    ("date", "#date", set(), {"year", "start", "end", "created", "updated", "reported", "decision"}),
    ("operation", "#country", {"name"}, {"funder"}),
    ("operation", "#country", {"iso3", "impl"}, {"funder"}),
    ("currency", "#value", {"funding", "currency"}, set()),
    ("currency", "#currency", set(), set()),
    ("amount_usd", "#value", {"funding", "usd"}, {"currency"}),
    ("amount", "#value", {"funding"}, {"usd", "currency", "fx"}),
    ("description", "#description", set(), {"keywords"}),
]


def fold_heading(header: str) -> str:
    """A header for comparing: "srcOrganization" → "src organization", "Montant (USD)" → "montant usd"."""
    return fold_label(CAMEL.sub(" ", header.replace("US$", "USD")))


def same_heading(text: str, header: str) -> bool:
    """Whether a text says what a header says, without regard to case, accents and punctuation."""
    if text == header:
        return True
    for a, b in ((text[:1], header[:1]), (text[-1:], header[-1:])):  # tells most apart, and soon
        if a.isascii() and a.isalnum() and b.isascii() and b.isalnum() and a.lower() != b.lower():
            return False
    folded = fold_label(text)
    return bool(folded) and folded == fold_label(header)


def propose(
    headers: Sequence[str],
    columns: Iterable[str],
    aliases: Mapping[str, str] | None = None,
    *,
    hxl: Sequence[str] = (),
    only_own: bool = False,
) -> dict[str, str]:
    """Which header is which column, in the order of the file; headers that mean nothing known are not in it.

    ``aliases``: other names of the table's own (alias → column). ``hxl``: the tag of each header. ``only_own``:
    by the columns' names and those aliases alone. A column has one header: its own name, or else an alias (the
    first in the file), the first of its other names, its tags.
    """
    ranks = ranked(columns, aliases or {}, only_own=only_own)
    best: dict[str, tuple[int, int]] = {}  # of each column, the rank and the place of its header
    for place, header in enumerate(headers):
        if (found := lookup(header, ranks)) and (found[1], place) < best.get(found[0], (10**6, 0)):
            best[found[0]] = (found[1], place)
    taken = {place for _rank, place in best.values()}
    for rank, (column, tag, having, lacking) in enumerate(TAGS):
        if column in best or column not in ranks.values_of_columns:
            continue
        for place, text in enumerate(hxl[: len(headers)]):
            name, *attributes = (part.strip() for part in text.lower().split("+"))
            if place not in taken and name == tag and having <= {*attributes} and not lacking & {*attributes}:
                best[column] = (10**5 + rank, place)
                taken.add(place)
                break
    found_at = {place: column for column, (_rank, place) in best.items()}
    return {headers[place]: found_at[place] for place in sorted(found_at)}


class Ranks(dict[str, list[tuple[str, int]]]):
    """Folded name → the columns that it may be, each with its rank (0 is the column's own name)."""

    values_of_columns: frozenset[str]
    only_own: bool


def ranked(columns: Iterable[str], aliases: Mapping[str, str], *, only_own: bool = False) -> Ranks:
    columns = list(columns)
    ranks = Ranks()
    ranks.values_of_columns, ranks.only_own = frozenset(columns), only_own

    def give(name: str, column: str, rank: int) -> None:
        ranks.setdefault(fold_heading(name), []).append((column, rank))

    for column in columns:
        give(column, column, 0)
    for alias, column in aliases.items():
        if column in ranks.values_of_columns:
            give(alias, column, 1)
    for column in () if only_own else columns:
        for rank, name in enumerate(NAMES.get(column, "").split("|"), 1000):
            if name:
                give(name, column, rank)
    return ranks


def lookup(header: str, ranks: Ranks) -> tuple[str, int] | None:
    """The column that a header names, and its rank; the better rank where it may name several."""
    if header in ranks.values_of_columns:
        return header, -1  # before one that only folds to the same
    folded = fold_heading(header)
    for name in (folded, fold_label(header)):  # “dATE” is no two words
        if name in ranks:
            return min(ranks[name], key=lambda found: found[1])
    match = IN_DOLLARS.fullmatch(folded)
    if match and "amount_usd" in ranks.values_of_columns and not ranks.only_own:
        base = fold_heading(match[1])
        if any(column == "amount" for column, _rank in ranks.get(base, [])) or base in AMOUNTS:
            return "amount_usd", 2000
    return None


AMOUNTS = {fold_heading(name) for name in ("amount", *NAMES["amount"].split("|"), "value", "contribution")}


def known_headers(columns: Iterable[str], aliases: Mapping[str, str] | None = None) -> Callable[[str], bool]:
    """For ``reading.open_table``: whether a text is a header that the table may have."""
    ranks = ranked(columns, aliases or {})
    return lambda header: lookup(header, ranks) is not None
