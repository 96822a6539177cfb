"""What the headers of a file are proposed to be; and that nothing is proposed from a mere likeness."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contributions.resources import ContributionResource, DonorResource
from operations.headings import NAMES, fold_heading, known_headers, propose, same_heading
from operations.resources import TABLES

RESOURCES = {**TABLES, "donors": DonorResource, "contributions": ContributionResource}
CONTRIBUTIONS = ["reference", "donor", "donor_type", "date", "operation", "budget_year", "amount_usd",
                 "currency", "amount", "earmarking", "description"]  # fmt: skip


def columns(resource) -> list[str]:
    return [field.column_name for field in resource().get_import_fields()]


@pytest.mark.parametrize(
    ("header", "folded"),
    [
        ("srcOrganization", "src organization"),
        ("amountUSD", "amount usd"),
        ("USDAmount", "usd amount"),
        ("transaction_value_USD", "transaction value usd"),
        ("Montant (US$)", "montant usd"),
        ("  Année\u00a0budgétaire : ", "annee budgetaire"),
        ("المبلغ الأصلي", "المبلغ الاصلي"),
    ],
)
def test_headers_are_compared_without_case_accents_and_punctuation(header, folded):
    assert fold_heading(header) == folded


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (
            ["Référence", "Bailleur de fonds", "Type de donateur", "Date de réception", "Opération",
             "Exercice budgétaire", "Montant (USD)", "Devise", "Montant", "Affectation", "Libellé"],
            CONTRIBUTIONS,
        ),
        (
            ["Referencia", "Donante", "Tipo de donante", "Fecha", "País de operación", "Año presupuestario",
             "Importe en dólares", "Moneda", "Importe", "Asignación", "Descripción"],
            CONTRIBUTIONS,
        ),
        (
            ["المرجع", "الجهة المانحة", "نوع المانح", "التاريخ", "العملية", "السنة المالية",
             "المبلغ بالدولار", "العملة", "المبلغ", "التخصيص", "الوصف"],
            CONTRIBUTIONS,
        ),
        (
            ["contribution_ref", "donor", "donor_type", "date", "operation_key", "budget_year", "amount_usd",
             "currency", "amount", "earmarking", "description"],
            CONTRIBUTIONS,
        ),
        (["Ref No.", "Donor Name", "AMOUNT (USD)", "GMS donor"], ["reference", "donor", "amount_usd", None]),
        (["Contribution (US$)", "Amount (EUR)", "Amount in USD millions"], ["amount_usd", None, None]),
        (["donnor", "amounts", "the date", "", "dates"], [None] * 5),
    ],
)  # fmt: skip
def test_headers_of_four_languages_are_known_and_others_left_alone(headers, expected):
    mapping = propose(headers, CONTRIBUTIONS, ContributionResource.aliases)
    assert mapping == {header: column for header, column in zip(headers, expected, strict=True) if column}


def test_a_column_has_one_header_its_own_name_before_any_other():
    assert propose(["Donor name", "donor", "Bailleur"], CONTRIBUTIONS) == {"donor": "donor"}
    assert propose(["Bailleur", "Donor name", "Funder"], CONTRIBUTIONS) == {"Donor name": "donor"}


def test_a_table_may_go_by_its_own_names_alone_which_are_read_in_the_same_way():
    headers = ["Donor-Type:", "dATE", "Année budgétaire", "amount_usd.", "amount_usd", "Operation Key"]
    headers.append("Amount (USD)")
    mapping = propose(headers, CONTRIBUTIONS, ContributionResource.aliases, only_own=True)
    assert mapping == {
        "Donor-Type:": "donor_type",
        "dATE": "date",
        "amount_usd": "amount_usd",  # written so, before one that only folds to the same
        "Operation Key": "operation",
    }


@pytest.mark.parametrize(
    ("text", "header", "is_same"),
    [
        ("REFERENCE", "Référence :", True),
        ("amountusd", "amountUSD", True),
        ("budget year", "budget_year", True),
        ("€", "€", True),
        ("-", "€", False),
        ("", "date", False),
        ("Ref", "Reference", False),
        ("donor 1", "donor 2", False),
    ],
)
def test_a_text_may_say_what_a_header_says(text, header, is_same):
    assert same_heading(text, header) is is_same


@given(st.text(max_size=6), st.text(max_size=6))
def test_what_tells_two_texts_apart_soon_never_tells_equal_ones_apart(text, other):
    for a, b in ((text, other), (text, f" {text.swapcase()}_"), (other.title(), f"«{other}»")):
        folded = fold_heading(a.casefold())
        assert same_heading(a, b) == (a == b or (folded != "" and folded == fold_heading(b.casefold())))


def test_tags_speak_where_the_header_does_not():
    headers = ["When", "Year", "From", "Given", "In", "Dollars given", "To", "Sent on"]
    hxl = ["#date", "#date+year+budget", "#org+name+funder", "#value+funding+total",
           "#value+funding+total+currency", "#value + funding + USD", "#org+name+impl", "#date+created"]  # fmt: skip
    assert propose(headers, CONTRIBUTIONS, hxl=hxl) == {
        "When": "date",
        "Year": "budget_year",
        "From": "donor",
        "Given": "amount",
        "In": "currency",
        "Dollars given": "amount_usd",
    }
    assert propose(["Fecha", "When"], CONTRIBUTIONS, hxl=["", "#date"]) == {"Fecha": "date"}


@pytest.mark.parametrize("table", RESOURCES)
def test_every_table_knows_its_own_names_and_aliases(table):
    resource = RESOURCES[table]
    names = columns(resource)
    assert propose(names, names, resource.aliases) == {name: name for name in names}
    for alias, column in resource.aliases.items():
        assert propose([alias], names, resource.aliases) == {alias: column}


@pytest.mark.parametrize("table", RESOURCES)
def test_no_name_means_two_columns_of_one_table(table):
    """But for a table's own aliases, which come first."""
    resource = RESOURCES[table]
    own = {fold_heading(name) for name in (*columns(resource), *resource.aliases)}
    meant: dict[str, set[str]] = {}
    for column in columns(resource):
        for name in filter(None, NAMES.get(column, "").split("|")):
            meant.setdefault(fold_heading(name), set()).add(column)
    assert {name: sorted(found) for name, found in meant.items() if len(found) > 1 and name not in own} == {}


def test_what_may_be_a_header_is_known_for_the_table_at_hand():
    knows = known_headers(CONTRIBUTIONS, ContributionResource.aliases)
    assert [knows(text) for text in ("Bailleur", "amountUSD", "Montant en USD", "Norway", "", "people")] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]


@given(st.lists(st.one_of(st.text(), st.sampled_from(["date", "Date", "fecha", "Montant"])), unique=True))
def test_no_two_headers_are_ever_one_column(headers):
    mapping = propose(headers, CONTRIBUTIONS, hxl=["#date"] * len(headers))
    assert len(set(mapping.values())) == len(mapping)
    assert propose(headers, CONTRIBUTIONS, hxl=["#date"] * len(headers)) == mapping
    assert [header for header in headers if header in mapping] == list(mapping)
