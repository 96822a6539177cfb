"""Fields of the models: money is exact to the cent on every database, and rich text is clean when stored."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db.models import F, Max, Sum
from django.utils import translation

from operations.fields import AmountFormField, CentsField
from operations.models import FinancialFigure, Section
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def peru(db):
    return factories.operation()


@pytest.mark.parametrize(
    "amount",
    ["12345678901.34", "999999999999.99", "-999999999999.99", "0.01", "0.00", "1.10", "12345678901.30"],
)
def test_an_amount_reads_back_as_it_was_stored(peru, amount):
    figure = factories.finance(peru, amount_usd=Decimal(amount))
    figure.refresh_from_db()
    assert (figure.amount_usd, str(figure.amount_usd)) == (Decimal(amount), amount)
    assert list(FinancialFigure.objects.filter(amount_usd=Decimal(amount))) == [figure]
    assert list(FinancialFigure.objects.values_list("amount_usd", flat=True)) == [Decimal(amount)]


def test_the_sum_of_two_thousand_large_amounts_is_exact(peru):
    operations = [peru, *(factories.operation(f"O{number}") for number in range(19))]
    FinancialFigure.objects.bulk_create(
        FinancialFigure(
            operation=operation, year=year, measure="budget", amount_usd=Decimal("99999999999.99")
        )
        for operation in operations
        for year in range(2000, 2100)
    )
    assert FinancialFigure.objects.count() == 2000
    sums = FinancialFigure.objects.aggregate(sum=Sum("amount_usd"), largest=Max("amount_usd"))
    assert sums == {"sum": Decimal("199999999999980.00"), "largest": Decimal("99999999999.99")}
    by_operation = FinancialFigure.objects.order_by().values("operation").annotate(sum=Sum("amount_usd"))
    assert {row["sum"] for row in by_operation} == {Decimal("9999999999999.00")}


def test_amounts_compare_and_sort_in_the_database(peru):
    for year, amount in ((2018, "-5.00"), (2019, "4.99"), (2020, "5.00"), (2021, "1000.00")):
        factories.finance(peru, year, amount_usd=Decimal(amount))
    factories.finance(peru, 2022, missing_reason="not_yet_known")
    figures = FinancialFigure.objects.order_by("amount_usd")
    assert [f.year for f in figures.filter(amount_usd__gte=Decimal("5.00"))] == [2020, 2021]
    assert [f.year for f in figures.filter(amount_usd__lt=5)] == [2018, 2019]
    assert [f.year for f in figures.filter(amount_usd__in=[5, Decimal("4.99")])] == [2019, 2020]
    assert [f.year for f in figures.filter(amount_usd__isnull=True)] == [2022]
    assert [f.year for f in figures.filter(amount_usd=F("amount_usd"))] == [2018, 2019, 2020, 2021]


@pytest.mark.parametrize("amount", [Decimal("0.001"), Decimal("1.005"), "0.001"])
def test_an_amount_finer_than_a_cent_is_refused_and_not_rounded(peru, amount):
    with pytest.raises(ValidationError, match="finer than a cent") as error:
        factories.finance(peru, amount_usd=amount)
    assert "tick" not in error.value.messages[0]


@pytest.mark.parametrize("amount", [1.1, 0.1 + 0.2, 5.0, True, float("nan")])
def test_a_float_is_refused(peru, amount):
    with pytest.raises(ValidationError, match="exact amount"):
        factories.finance(peru, amount_usd=amount)
    with pytest.raises(ValidationError):
        CentsField().to_python(amount)


@pytest.mark.parametrize("amount", [Decimal("NaN"), Decimal("Infinity"), "much"])
def test_what_is_no_amount_is_refused(peru, amount):
    with pytest.raises(ValidationError):
        factories.finance(peru, amount_usd=amount)


def test_an_amount_that_sqlites_decimals_would_change_comes_back_as_it_was(peru):
    factories.finance(peru, amount_usd=Decimal("12345678901234.56"))
    assert FinancialFigure.objects.get().amount_usd == Decimal("12345678901234.56")


def test_an_amount_that_does_not_fit_is_refused_by_full_clean(peru):
    figure = FinancialFigure(
        operation=peru, year=2020, measure="budget", amount_usd=Decimal("100000000000000.00")
    )
    with pytest.raises(ValidationError, match="digits"):
        figure.full_clean()


@pytest.mark.parametrize("language", ["en", "fr", "es", "ar"])
def test_the_form_shows_and_reads_an_amount_alike_in_every_language(language):
    field = AmountFormField(required=False)
    with translation.override(language):
        assert field.prepare_value(Decimal("1614205.50")) == "1,614,205.50"
        assert field.clean(field.prepare_value(Decimal("1614205.50"))) == Decimal("1614205.50")
        assert not field.has_changed(Decimal("1614205.50"), "1,614,205.50")
        assert field.clean("") is None
        with pytest.raises(ValidationError):
            field.clean("1.614.205,50")


def test_a_section_is_clean_however_it_is_stored(peru):
    text = factories.narrative(peru, sections={"unmet-needs": "<p onclick=x()>a<script>b</script></p>"})
    section = text.sections.get()
    assert section.body == "<p>a</p>"
    Section.objects.filter(pk=section.pk).delete()
    Section.objects.bulk_create([Section(narrative=text, type=section.type, body="<p>b<img src=x></p>")])
    assert text.sections.get().body == "<p>b</p>"
