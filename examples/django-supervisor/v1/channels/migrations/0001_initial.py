import django.db.models.deletion
from django.db import migrations, models


def first(apps, _):
    get = lambda name: apps.get_model("channels", name).objects  # noqa: E731
    post = get("Post").create(channel=get("Channel").create(name="test"), title="a test post")
    get("Comment").create(post=post, text="a test comment")
    get("Podcast").create(title="a test podcast")
    get("Course").create(title="a test course")


def table(name, *fields):
    key = ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"))
    return migrations.CreateModel(name, [key, *fields])


class Migration(migrations.Migration):
    initial = True
    operations = [
        table("Channel", ("name", models.SlugField(unique=True))),
        table("Post", ("title", models.TextField()),
              ("channel", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="channels.channel"))),
        table("Comment", ("text", models.TextField()),
              ("post", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="channels.post"))),
        table("Podcast", ("title", models.TextField())),
        table("Course", ("title", models.TextField())),
        migrations.RunPython(first, migrations.RunPython.noop),
    ]
