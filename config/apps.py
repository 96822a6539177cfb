from django.contrib.admin.apps import AdminConfig


class OpenfieldAdminConfig(AdminConfig):
    """The stock admin with Openfield's own start page."""

    default_site = "operations.sites.OpenfieldAdminSite"
