import os
from pathlib import Path

BASE = Path(__file__).resolve().parent.parent
SECRET_KEY = "of a test"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "shop"]
MIDDLEWARE = ["shop.views.Door"]
ROOT_URLCONF = "shop.views"
WSGI_APPLICATION = None
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ.get("SHOP_DB", "shop"), "USER": "shop",
                         "HOST": os.environ["SHOP_PG"], "CONN_MAX_AGE": 60}}
VERSION = (BASE / "VERSION").read_text().strip()
