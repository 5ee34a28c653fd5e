from django.db import migrations
from django.db.models import F


def cents(apps, schema_editor):
    apps.get_model("shop", "Product").objects.update(price=F("price") * 100)


class Migration(migrations.Migration):
    """A backfill, and irreversible: nothing says how to go back."""
    dependencies = [("shop", "0004_no_note")]
    operations = [migrations.RunPython(cents)]
