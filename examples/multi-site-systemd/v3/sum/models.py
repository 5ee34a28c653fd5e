from django.db import models


class Enquiry(models.Model):
    text = models.TextField()
    topic = models.TextField(null=True)
    answered = models.BooleanField(default=False)
