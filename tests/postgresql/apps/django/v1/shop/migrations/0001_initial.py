import django.db.models.deletion
from django.db import migrations, models


def goods(apps, schema_editor):
    apps.get_model("shop", "Product").objects.create(name="bread", price="3.20")
    apps.get_model("shop", "Product").objects.create(name="milk", price="1.10")


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel("Customer", [("id", models.BigAutoField(primary_key=True)), ("email", models.CharField(max_length=200, unique=True))]),
        migrations.CreateModel("Product", [("id", models.BigAutoField(primary_key=True)), ("name", models.CharField(max_length=100)),
                                           ("price", models.DecimalField(max_digits=8, decimal_places=2))]),
        migrations.CreateModel("Order", [
            ("id", models.BigAutoField(primary_key=True)), ("token", models.CharField(max_length=60, unique=True)),
            ("customer", models.ForeignKey("shop.Customer", on_delete=django.db.models.deletion.CASCADE)),
            ("product", models.ForeignKey("shop.Product", on_delete=django.db.models.deletion.PROTECT)),
            ("note", models.CharField(max_length=200, blank=True)), ("status", models.CharField(max_length=20, default="new")),
            ("created", models.DateTimeField(auto_now_add=True))]),
        migrations.RunPython(goods, migrations.RunPython.noop),
    ]
