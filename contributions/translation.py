from modeltranslation.translator import TranslationOptions, register

from .models import Donor


@register(Donor)
class DonorTranslation(TranslationOptions):
    fields = ("name", "footnote")
