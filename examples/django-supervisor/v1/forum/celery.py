import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "forum.settings")
app = Celery("forum", broker="redis://127.0.0.1:6379/0")
app.conf.beat_schedule = {"count": {"task": "channels.tasks.count", "schedule": 2.0}}
app.conf.imports = ["channels.tasks"]
app.conf.task_ignore_result = True
