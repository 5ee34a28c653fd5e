from django.db import migrations, models


class Migration(migrations.Migration):
    """Only additions: the release before need not know them."""
    dependencies = [("shop", "0006_review")]
    operations = [migrations.AddField("Order", "gift", models.BooleanField(null=True)),
                  migrations.AddField("Review", "text", models.TextField(null=True))]
