"""The shop, by HTTP: what a release knows of an order is in details()."""
import os

from django.conf import settings
from django.db import transaction
from django.http import HttpResponse, JsonResponse
from django.urls import path

from shop.models import Customer, Order, Product
from shop.release import customer, details


class Door:
    """Closed: 503 for everybody who does not come from behind it."""

    def __init__(self, answer):
        self.answer = answer

    def __call__(self, request):
        if os.path.exists(os.environ["SHOP_DOOR"]) and "X-Behind" not in request.headers:
            return HttpResponse("closed", status=503)
        return self.answer(request)


def health(request):
    Product.objects.count()
    return HttpResponse("ok")


def version(request):
    return HttpResponse(settings.VERSION)


def order(request):
    token = request.POST["token"]
    with transaction.atomic():
        who, _ = Customer.objects.get_or_create(**customer(request.POST["customer"]))
        made = Order.objects.create(token=token, customer=who, product=Product.objects.first(), **details(request))
    return JsonResponse({"id": made.id, "token": token}, status=201)


def ship(request):
    return JsonResponse({"shipped": Order.objects.filter(token=request.POST["token"]).update(status="shipped")})


def cancel(request):
    return JsonResponse({"cancelled": Order.objects.filter(token=request.POST["token"]).delete()[0]})


class Undo(Exception):
    pass


def selftest(request):
    """Places an order, reads it and takes it back."""
    try:
        with transaction.atomic():
            who = Customer.objects.create(**customer("selftest@shop.example"))
            made = Order.objects.create(token="selftest", customer=who, product=Product.objects.first(), **details(request))
            list(Order.objects.filter(id=made.id).values())
            raise Undo()
    except Undo:
        return HttpResponse("ok")




urlpatterns = [path("health/", health), path("version", version), path("order", order), path("ship", ship), path("cancel", cancel),
               path("selftest", selftest)]
