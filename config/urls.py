from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path, register_converter

from contributions import sitemap as contributions_sitemap
from operations import api, brand_views
from operations import sitemap as operations_sitemap
from operations.views import healthz

register_converter(api.Anything, "anything")

handler404 = "operations.views.not_found"
handler500 = "operations.views.server_error"

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("brand/<slug:version>.css", brand_views.stylesheet, name="brand_stylesheet"),
    path("brand/<slug:version>.webp", brand_views.logo, name="brand_logo"),
    path(
        "sitemap.xml",
        operations_sitemap.sitemap,
        {"sources": [operations_sitemap.pages, contributions_sitemap.pages]},
        name="sitemap",
    ),
    path("api/v1/", api.start, name="api"),
    path("api/v1/openapi.json", api.document, name="api_document"),
    path("api/v1/search", api.search, name="api_search"),
    path("api/v1/<slug:name>", api.dataset, name="api_dataset"),
    path("api/v1/<slug:name>/<path:key>", api.row, name="api_row"),
    path("api/v1/<anything:rest>", api.nothing, name="api_nothing"),
    *i18n_patterns(
        path("admin/", admin.site.urls),
        path("", include("operations.urls")),
        path("", include("contributions.urls")),
        prefix_default_language=False,
    ),
]
