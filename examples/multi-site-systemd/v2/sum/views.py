from django.conf import settings
from django.db import transaction
from django.http import HttpResponse

from .models import Enquiry
from .tasks import answer

GREETING = "Good day from"


def index(request):
    return HttpResponse(f"<h1>{GREETING} {settings.SLUG}</h1>")


def health(request):
    return HttpResponse(f"ok, {Enquiry.objects.count()} enquiries")


def version(request):
    return HttpResponse((settings.BASE_DIR / "VERSION").read_text().strip())


def form(request):
    enquiry = Enquiry.objects.create(text=request.POST["text"])
    answer.delay(enquiry.pk)
    return HttpResponse(f"stored {enquiry.pk}", status=201)


def form_test(request):
    with transaction.atomic():
        Enquiry.objects.create(text="a test")
        transaction.set_rollback(True)
    return HttpResponse("stored, and taken back")
