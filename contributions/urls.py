from django.urls import path

from . import views

app_name = "contributions"

urlpatterns = [
    path("contributions/", views.contributions, name="contributions"),
    path("donors/", views.donors, name="donors"),
    path("donors/<slug:slug>/", views.donor, name="donor"),
]
