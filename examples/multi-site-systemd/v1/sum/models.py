from django.db import models


class Enquiry(models.Model):
    text = models.TextField()
    answered = models.BooleanField(default=False)
