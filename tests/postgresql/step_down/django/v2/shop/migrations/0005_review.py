import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0004_name")]
    operations = [migrations.CreateModel("Review", [
        ("id", models.BigAutoField(primary_key=True)), ("order", models.ForeignKey("shop.Order", on_delete=django.db.models.deletion.CASCADE)),
        ("stars", models.IntegerField())])]
