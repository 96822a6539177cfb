from django.urls import path, register_converter

from . import (
    about,
    comparing,
    data_views,
    feeds,
    figure_views,
    finding,
    map_views,
    pdf_views,
    previews,
    regions,
    search_views,
    views,
)


class Year:
    regex = "(?:19|20|21)[0-9]{2}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


register_converter(Year, "year")
register_converter(map_views.SheetConverter, "sheet")
register_converter(figure_views.FileKind, "filekind")
register_converter(data_views.DataKind, "datakind")

app_name = "operations"

urlpatterns = [
    path("", views.home, name="home"),
    path("operations/", finding.operations, name="operations"),
    path("operations/<slug:slug>/", views.operation, name="operation"),
    path("operations/<slug:slug>/<year:year>/", views.operation, name="year"),
    path("operations/<slug:slug>/<year:year>/pillars/", views.pillars, name="pillars"),
    path("operations/<slug:slug>/<year:year>/history/", views.history, name="history"),
    path("operations/<slug:slug>/<year:year>/figures/<slug:name>/", figure_views.figure, name="figure"),
    path(
        "operations/<slug:slug>/<year:year>/figures/<slug:name>.<filekind:kind>",
        figure_views.figure_file,
        name="figure_file",
    ),
    path("operations/<slug:slug>/<year:year>/card.png", figure_views.card, name="card"),
    path("operations/<slug:slug>/<year:year>/brief.pdf", pdf_views.brief, name="brief"),
    path("regions/<slug:code>/", regions.region, name="region"),
    path("compare/", comparing.compare, name="compare"),
    path("editions/<int:pk>/", views.edition, name="edition"),
    path("editions/<int:pk>/<year:year>/", views.edition, name="edition"),
    path("editions/<int:pk>/brief.pdf", pdf_views.edition_brief, name="edition_brief"),
    path("editions/<int:pk>/<year:year>/brief.pdf", pdf_views.edition_brief, name="edition_brief"),
    # The same addresses with .csv, .xlsx or .json: the data of the page.
    path("data/", data_views.data, name="data"),
    path("changes/", data_views.changes, name="changes"),
    path("changes.<datakind:kind>", data_views.changes_file, name="changes_data"),
    path("api/", views.api, name="api"),
    path("data/archive.zip", data_views.archive, name="archive"),
    path("data/<slug:name>.<datakind:kind>", data_views.dataset, name="dataset"),
    path("operations.<datakind:kind>", data_views.operations, name="operations_data"),
    path("operations/<slug:slug>.<datakind:kind>", data_views.operation, name="operation_data"),
    path("operations/<slug:slug>/<year:year>.<datakind:kind>", data_views.operation, name="year_data"),
    path(
        "operations/<slug:slug>/<year:year>/<slug:name>.<datakind:kind>", data_views.table, name="table_data"
    ),
    path("regions/<slug:code>.<datakind:kind>", data_views.region, name="region_data"),
    path("compare.<datakind:kind>", data_views.compare, name="compare_data"),
    path("editions/<int:pk>.<datakind:kind>", data_views.edition, name="edition_data"),
    path("editions/<int:pk>/<year:year>.<datakind:kind>", data_views.edition, name="edition_data"),
    path("feeds/releases.atom", feeds.releases, {"kind": "atom"}, name="releases"),
    path("feeds/releases.json", feeds.releases, {"kind": "json"}, name="releases_json"),
    path(
        "feeds/corrections.atom",
        feeds.releases,
        {"kind": "atom", "corrections_only": True},
        name="corrections",
    ),
    path(
        "feeds/corrections.json",
        feeds.releases,
        {"kind": "json", "corrections_only": True},
        name="corrections_json",
    ),
    path("maps/outlines/<sheet:sheet>.geojson", map_views.outlines, name="outlines"),
    path("methodology/", views.methodology, name="methodology"),
    path("about/data/", about.about_data, name="about_data"),
    path("accessibility/", about.accessibility, name="accessibility"),
    path("opensearch.xml", about.opensearch, name="opensearch"),
    path("search/", search_views.search, name="search"),
    path("preview/<str:token>/", previews.preview, name="preview"),
]
