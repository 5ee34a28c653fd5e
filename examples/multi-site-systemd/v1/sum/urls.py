from django.urls import path

from . import views

urlpatterns = [path("", views.index), path("health/", views.health), path("version", views.version), path("form/", views.form),
               path("form/test/", views.form_test)]
