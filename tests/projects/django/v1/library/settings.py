from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = (BASE_DIR / "secret_key").read_text() if (BASE_DIR / "secret_key").exists() else "for building only"
DEBUG = False
ALLOWED_HOSTS = ["library.example", "127.0.0.1"]
ROOT_URLCONF = "library.urls"
INSTALLED_APPS = ["django.contrib.staticfiles", "shelves"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "/srv/library/data/library.sqlite3", "OPTIONS": {"timeout": 20}}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
STATIC_ROOT = "/srv/library/static"
STATICFILES_STORAGE = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
USE_TZ = True
