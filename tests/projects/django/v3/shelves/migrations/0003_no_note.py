from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("shelves", "0002_shelf")]
    operations = [migrations.RemoveField("book", "note")]
