from django.db import models


class Customer(models.Model):
    mail = models.CharField(max_length=200, unique=True)


class Product(models.Model):
    name = models.CharField(max_length=200)
    price = models.DecimalField(max_digits=8, decimal_places=2)


class Order(models.Model):
    token = models.CharField(max_length=60, unique=True)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE)
    product = models.ForeignKey(Product, on_delete=models.PROTECT)
    note = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=20, default="new")
    channel = models.CharField(max_length=20, default="web")
    gift = models.BooleanField(null=True)
    created = models.DateTimeField(auto_now_add=True)


class Review(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE)
    stars = models.IntegerField()
