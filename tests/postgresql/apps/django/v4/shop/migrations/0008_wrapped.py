from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0007_gift")]
    operations = [migrations.AddField("Order", "wrapped", models.BooleanField(default=False))]
