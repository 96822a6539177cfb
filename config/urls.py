from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path

from operations.views import healthz

handler404 = "operations.views.not_found"
handler500 = "operations.views.server_error"

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    *i18n_patterns(
        path("admin/", admin.site.urls),
        path("", include("operations.urls")),
        path("", include("contributions.urls")),
        prefix_default_language=False,
    ),
]
