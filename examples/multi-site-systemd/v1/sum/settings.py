import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SLUG = os.environ.get("SITE_SLUG", "nobody")
SECRET_KEY = "of an example"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "sum.urls"
INSTALLED_APPS = ["django.contrib.staticfiles", "sum"]
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "HOST": "/run/postgresql", "USER": "deploy", "NAME": f"sum-{SLUG}"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static"
USE_TZ = True
