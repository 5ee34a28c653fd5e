from celery import shared_task

from . import models, search


@shared_task
def index_post(key):
    search.add("post", key, models.Post.objects.get(pk=key).title)


@shared_task
def count():
    return models.Post.objects.count()
