from django.db import migrations, models


class Migration(migrations.Migration):
    """A topic that must be there, and that no form sends: nothing can be stored any more."""
    dependencies = [("sum", "0001_initial")]
    operations = [migrations.AddField("Enquiry", "topic", models.TextField(default="none"), preserve_default=False)]
