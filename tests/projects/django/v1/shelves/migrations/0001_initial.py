import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel("Book", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("title", models.CharField(max_length=200)),
            ("note", models.TextField(default="")),
            ("catalogued", models.BooleanField(default=False)),
        ]),
        migrations.CreateModel("Task", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("kind", models.CharField(max_length=20)),
            ("done", models.DateTimeField(null=True)),
            ("book", models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to="shelves.book")),
        ]),
    ]
