from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class ContributionsConfig(AppConfig):
    name = "contributions"
    verbose_name = _("Contributions")

    def ready(self) -> None:
        from operations.importing import import_begins
        from operations.reference import load_groups

        from .resources import record_batch

        # After the permissions of both apps exist: this app's migrate signal comes last.
        post_migrate.connect(load_groups, sender=self)
        # Every import of the site leaves a batch, those of the operations' tables included.
        import_begins.connect(record_batch)
