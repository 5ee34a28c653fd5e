from django.db import models


class Channel(models.Model):
    name = models.SlugField(unique=True)


class Post(models.Model):
    channel = models.ForeignKey(Channel, models.CASCADE)
    title = models.TextField()


class Podcast(models.Model):
    title = models.TextField()


class Course(models.Model):
    title = models.TextField()
