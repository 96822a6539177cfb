from django.urls import path, register_converter

from . import figure_views, views
from .addresses import Reference

register_converter(Reference, "reference")

app_name = "contributions"

urlpatterns = [
    path("contributions/", views.contributions, name="contributions"),
    path("contributions/figures/<slug:name>/", figure_views.figure, name="figure"),
    path("contributions/figures/<slug:name>.<filekind:kind>", figure_views.figure_file, name="figure_file"),
    path("contributions/<slug:slug>/<reference:reference>/", views.contribution, name="contribution"),
    path("donors/", views.donors, name="donors"),
    path("donors/<slug:slug>/", views.donor, name="donor"),
    path("donors/<slug:slug>/figures/<slug:name>/", figure_views.donor_figure, name="donor_figure"),
    path(
        "donors/<slug:slug>/figures/<slug:name>.<filekind:kind>",
        figure_views.donor_figure_file,
        name="donor_figure_file",
    ),
]
