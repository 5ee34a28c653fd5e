from django.db import migrations, models


class Migration(migrations.Migration):
    """Fails: there are several orders of one status. The migration before it is applied by then."""
    dependencies = [("shop", "0008_wrapped")]
    operations = [migrations.AlterField("Order", "status", models.CharField(max_length=20, default="new", unique=True))]
