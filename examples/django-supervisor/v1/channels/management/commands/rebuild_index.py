from channels import search
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Makes the search index anew, and shows how far it is"

    def add_arguments(self, parser):
        parser.add_argument("--all", action="store_true", help="every type of content")

    def handle(self, **_):
        search.rebuild(self.stdout.write)
