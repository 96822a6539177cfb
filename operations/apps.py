from django.apps import AppConfig
from django.core.checks import register
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class OperationsConfig(AppConfig):
    name = "operations"
    verbose_name = _("Operations")

    def ready(self) -> None:
        from .dictionary import register as register_datasets
        from .map_views import check_maps
        from .reference import load_reference_data

        register(check_maps)
        # The public tables of this app.
        register_datasets()
        post_migrate.connect(load_reference_data, sender=self)
