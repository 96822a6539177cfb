from django.urls import path, register_converter

from . import views
from .addresses import Reference

register_converter(Reference, "reference")

app_name = "contributions"

urlpatterns = [
    path("contributions/", views.contributions, name="contributions"),
    path("contributions/<slug:slug>/<reference:reference>/", views.contribution, name="contribution"),
    path("donors/", views.donors, name="donors"),
    path("donors/<slug:slug>/", views.donor, name="donor"),
]
