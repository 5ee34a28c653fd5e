from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds a column; Django takes its default away again, so the release before cannot insert."""
    dependencies = [("shop", "0001_initial")]
    operations = [migrations.AddField("Order", "channel", models.CharField(max_length=20, default="web"))]
