"""The worker: catalogues new books, one task after the other, until it is told to stop."""
import signal
import time

from django.core.management.base import BaseCommand
from django.utils import timezone
from shelves.models import Book, Task


class Command(BaseCommand):
    def handle(self, **_):
        self.going = True
        signal.signal(signal.SIGTERM, self.stop)
        while self.going:
            task = Task.objects.filter(done=None).order_by("id").first()
            if task is None:
                time.sleep(0.2)
                continue
            if task.book_id:
                Book.objects.filter(pk=task.book_id).update(catalogued=True)
            Task.objects.filter(pk=task.pk).update(done=timezone.now())

    def stop(self, *_):
        self.going = False
