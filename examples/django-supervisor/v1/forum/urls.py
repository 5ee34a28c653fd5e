from channels import views
from django.urls import path

urlpatterns = [
    path("", views.index),
    path("version", views.version),
    path("c/<slug:name>/", views.channel),
    path("api/v0/channels/", views.channels),
    path("api/v0/podcasts/", views.podcasts),
    path("api/v0/search/", views.search),
]
