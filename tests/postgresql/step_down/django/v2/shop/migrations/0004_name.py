from django.db import migrations, models


class Migration(migrations.Migration):
    """Wider: the way back would cut longer names without a word."""
    dependencies = [("shop", "0003_mail")]
    operations = [migrations.AlterField("Product", "name", models.CharField(max_length=200))]
