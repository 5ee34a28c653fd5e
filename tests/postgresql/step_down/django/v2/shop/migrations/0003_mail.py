from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("shop", "0002_channel")]
    operations = [migrations.RenameField("Customer", "email", "mail")]
