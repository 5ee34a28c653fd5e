"""The beat: every second one task that nobody asked for."""
import signal
import time

from django.core.management.base import BaseCommand
from shelves.models import Task


class Command(BaseCommand):
    def handle(self, **_):
        self.going = True
        signal.signal(signal.SIGTERM, self.stop)
        while self.going:
            Task.objects.create(kind="dust")
            time.sleep(1)

    def stop(self, *_):
        self.going = False
