"""The fields of reference data that have one column a language: the name of this file is modeltranslation's.

Translations of texts are in ``translating.py``.
"""

from modeltranslation.translator import TranslationOptions, register

from .models import Agency, Office, Operation, Pillar, PopulationType, Region, SectionType


@register(Region)
class RegionTranslation(TranslationOptions):
    fields = ("name",)


@register(Operation)
class OperationTranslation(TranslationOptions):
    fields = ("name", "notice")


@register(Office)
class OfficeTranslation(TranslationOptions):
    fields = ("description",)


@register(PopulationType)
class PopulationTypeTranslation(TranslationOptions):
    fields = ("name",)


@register(Pillar)
class PillarTranslation(TranslationOptions):
    fields = ("name",)


@register(SectionType)
class SectionTypeTranslation(TranslationOptions):
    fields = ("heading",)


@register(Agency)
class AgencyTranslation(TranslationOptions):
    fields = ("name", "line", "people")
