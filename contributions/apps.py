from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class ContributionsConfig(AppConfig):
    name = "contributions"
    verbose_name = _("Contributions")

    def ready(self) -> None:
        from operations.addresses import PAGES
        from operations.api import CHANGED
        from operations.changes import PARTS
        from operations.data_views import OF_PAGE
        from operations.importing import import_begins
        from operations.reference import load_groups
        from operations.search import SOURCES

        from . import sums
        from .addresses import is_public
        from .dictionary import CONTRIBUTIONS
        from .dictionary import register as register_datasets
        from .models import newest_change_of_books, newest_import, shown_otherwise
        from .resources import record_batch
        from .search import Donors

        # After the permissions of both apps exist: this app's migrate signal comes last.
        post_migrate.connect(load_groups, sender=self)
        # Every import of the site leaves a batch, those of the operations' tables included.
        import_begins.connect(record_batch)
        # Who may be named, and who stands for many, decides what readers see of the gifts of private donors.
        shown_otherwise.connect(sums.follow_donors)
        # A text that links to a donor without a page is told so.
        PAGES["contributions"] = is_public
        # The latest contributions stand on the pages of operations, and change with an import.
        PARTS.append((_("Latest contributions"), newest_import))
        # Donors are found by the names that readers may know.
        SOURCES.append(Donors())
        # The public tables of this app, after those of the operations.
        register_datasets()
        # Which contributions an operation was given for a year is part of the data of its page.
        OF_PAGE.append(CONTRIBUTIONS)
        CHANGED.append(newest_change_of_books)
