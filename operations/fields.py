from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import DecimalValidator
from django.db import models
from django.utils.translation import gettext as _
from django_prose_editor.fields import ProseEditorField

from .cells import clean_amount
from .richtext import clean_html


class AmountFormField(forms.CharField):
    """An amount as people write it, by the same rule as the import's."""

    def prepare_value(self, value: Any) -> Any:
        return f"{value:,.2f}" if isinstance(value, Decimal) else value

    def to_python(self, value: Any) -> Decimal | None:
        try:
            return clean_amount(value)
        except ValueError as error:
            raise ValidationError(str(error), code="amount") from None


class CentsField(models.BigIntegerField):
    """Money: a ``Decimal`` with two places in Python, a whole number of cents in the database.

    SQLite keeps decimals as floats (12345678901234.56 came back as …34.60); integers are exact on
    every database, and so are their sums. A value finer than a cent is refused, not rounded.
    """

    description = "An amount of money, exact to the cent"

    @property
    def validators(self) -> list:
        return [*self._validators, DecimalValidator(max_digits=16, decimal_places=2)]

    def from_db_value(self, value: int | None, expression: Any, connection: Any) -> Decimal | None:
        return None if value is None else Decimal(value).scaleb(-2)

    def to_python(self, value: Any) -> Decimal | None:
        if isinstance(value, bool | float):
            raise ValidationError(
                _("%(value)s is not an exact amount; give a Decimal."), params={"value": value}, code="float"
            )
        if isinstance(value, int):
            return Decimal(value)
        if value is None or (isinstance(value, Decimal) and value.is_finite()):
            return value
        try:
            amount = Decimal(value)  # of serialised data; what people type goes through ``AmountFormField``
        except (InvalidOperation, TypeError, ValueError):
            amount = Decimal("NaN")
        if not amount.is_finite():
            raise ValidationError(_("“%(value)s” is not an amount."), params={"value": value}, code="amount")
        return amount

    def get_prep_value(self, value: Any) -> int | None:
        if value is None or hasattr(value, "resolve_expression"):
            return value
        amount = self.to_python(value)
        if amount is None:
            return None
        cents = amount.scaleb(2)
        if cents != cents.to_integral_value():
            raise ValidationError(
                _("%(amount)s is finer than a cent."), params={"amount": amount}, code="cents"
            )
        return int(cents)

    def value_to_string(self, obj: models.Model) -> str:
        value = self.value_from_object(obj)
        return "" if value is None else str(value)

    def formfield(self, **kwargs: Any) -> forms.Field:
        return models.Field.formfield(self, **{"form_class": AmountFormField, **kwargs})


class RichTextField(ProseEditorField):
    """HTML of a narrative: edited with few buttons, cleaned on every save (see ``richtext``)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        extensions = {
            "Bold": True,
            "Italic": True,
            "BulletList": True,
            "OrderedList": True,
            "ListItem": True,
            "Link": {"enableTarget": False},
            "Heading": {"levels": [4]},
            "Blockquote": True,
            "HardBreak": True,
        }
        super().__init__(*args, **{"config": {"extensions": extensions}, "sanitize": clean_html, **kwargs})

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        value = clean_html(getattr(model_instance, self.attname) or "")
        setattr(model_instance, self.attname, value)
        return value
