from django.db import migrations, models


class Migration(migrations.Migration):
    """Django takes the default away again, so the release before cannot insert."""
    dependencies = [("shop", "0001_initial")]
    operations = [migrations.AddField("Order", "channel", models.CharField(max_length=20, default="web")),
                  migrations.AddField("Order", "gift", models.BooleanField(null=True))]
