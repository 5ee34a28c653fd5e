from django.urls import path

from shelves import views

urlpatterns = [path("", views.index), path("books/", views.add), path("version", views.version), path("health/", views.health)]
