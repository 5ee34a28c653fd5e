from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from .models import Book, Task


def index(request):
    return render(request, "shelves/index.html", {"books": Book.objects.order_by("-id")[:20]})


@require_POST
def add(request):
    with transaction.atomic():
        book = Book.objects.create(title=request.POST["title"])
        Task.objects.create(book=book, kind="catalogue")
    return HttpResponse(f"stored {book.title}\n", status=201)


def version(request):
    return HttpResponse((settings.BASE_DIR / "VERSION").read_text().strip())


def health(request):
    return HttpResponse(f"ok, {Book.objects.count()} books\n")
