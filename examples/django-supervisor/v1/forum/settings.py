import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = os.environ.get("FORUM_SECRET_KEY", "of an example")
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "forum.urls"
INSTALLED_APPS = ["django.contrib.staticfiles", "channels"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "HOST": "/run/postgresql", "USER": "forum",
                         "NAME": os.environ.get("FORUM_DB", "forum")}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "frontend" / "build"]
SEARCH_INDEX = "/srv/forum/run/search.sqlite3"
USE_TZ = True
