"""Countries are called as the United Nations call them, in each language."""

import pytest
from django.utils.translation import override
from django_countries import countries

from operations.drawings import country_names


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("BO", ["Bolivia (Plurinational State of)", "Bolivie (État plurinational de)", "Bolivia (Estado Plurinacional de)", "بوليفيا (دولة - المتعددة القوميات)"]),
        ("KR", ["Republic of Korea", "République de Corée", "República de Corea", "جمهورية كوريا"]),
        ("SY", ["Syrian Arab Republic", "République arabe syrienne", "República Árabe Siria", "الجمهورية العربية السورية"]),
        ("PS", ["State of Palestine", "État de Palestine", "Estado de Palestina", "دولة فلسطين"]),
        ("TR", ["Türkiye", "Türkiye", "Türkiye", "تركيا"]),
        ("MK", ["North Macedonia", "Macédoine du Nord", "Macedonia del Norte", "مقدونيا الشمالية"]),
        ("PE", ["Peru", "Pérou", "Perú", "بيرو"]),
    ],
)  # fmt: skip
def test_a_country_has_its_short_name_of_the_united_nations(code, names):
    found = []
    for language in ("en", "fr", "es", "ar"):
        with override(language):
            found.append(str(countries.name(code)))
    assert found == names


def test_on_a_map_the_brackets_are_left_out_but_for_a_resolution():
    named = country_names()
    assert (named["BOL"], named["VEN"], named["XKX"]) == (
        "Bolivia",
        "Venezuela",
        "Kosovo (S/RES/1244 (1999))",
    )
