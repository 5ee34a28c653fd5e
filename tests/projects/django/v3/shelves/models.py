from django.db import models


class Book(models.Model):
    title = models.CharField(max_length=200)
    catalogued = models.BooleanField(default=False)
    shelf = models.CharField(max_length=20, null=True)


class Task(models.Model):
    """What the worker has to do: a queue in the database."""
    book = models.ForeignKey(Book, null=True, on_delete=models.CASCADE)
    kind = models.CharField(max_length=20)
    done = models.DateTimeField(null=True)
