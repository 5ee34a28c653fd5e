from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shelves", "0001_initial")]
    operations = [migrations.AddField("book", "shelf", models.CharField(max_length=20, null=True))]
