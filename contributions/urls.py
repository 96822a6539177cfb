from django.urls import path, register_converter

from . import data_views, figure_views, views
from .addresses import Reference

register_converter(Reference, "reference")

app_name = "contributions"

urlpatterns = [
    path("contributions/", views.contributions, name="contributions"),
    path("contributions/figures/<slug:name>/", figure_views.figure, name="figure"),
    path("contributions/figures/<slug:name>.<filekind:kind>", figure_views.figure_file, name="figure_file"),
    path("contributions.<datakind:kind>", data_views.contributions, name="contributions_data"),
    path("contributions/days.<datakind:kind>", data_views.days, name="days_data"),
    path(
        "contributions/<slug:slug>/<reference:reference>.<datakind:kind>",
        data_views.contribution,
        name="contribution_data",
    ),
    path("donors.<datakind:kind>", data_views.donors, name="donors_data"),
    path("donors/<slug:slug>.<datakind:kind>", data_views.donor, name="donor_data"),
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
