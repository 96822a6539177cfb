from django.urls import path, register_converter

from . import feeds, previews, views


class Year:
    regex = "(?:19|20|21)[0-9]{2}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


register_converter(Year, "year")

app_name = "operations"

urlpatterns = [
    path("", views.home, name="home"),
    path("operations/", views.operations, name="operations"),
    path("operations/<slug:slug>/", views.operation, name="operation"),
    path("operations/<slug:slug>/<year:year>/", views.operation, name="year"),
    path("operations/<slug:slug>/<year:year>/pillars/", views.pillars, name="pillars"),
    path("operations/<slug:slug>/<year:year>/history/", views.history, name="history"),
    path("editions/<int:pk>/", views.edition, name="edition"),
    path("editions/<int:pk>/<year:year>/", views.edition, name="edition"),
    path("feeds/releases.atom", feeds.releases, name="releases"),
    path("methodology/", views.methodology, name="methodology"),
    path("preview/<str:token>/", previews.preview, name="preview"),
]
