from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render

from . import models
from . import search as the_search
from .tasks import index_post


def index(request):
    script = next(settings.STATIC_ROOT.glob("app-*.js")).name
    return render(request, "index.html", {"channels": models.Channel.objects.order_by("name"), "script": script})


def version(request):
    return HttpResponse((settings.BASE_DIR / "VERSION").read_text().strip())


def channel(request, name):
    found = get_object_or_404(models.Channel, name=name)
    if request.method == "POST":
        post = found.post_set.create(title=request.POST["title"])
        index_post.delay(post.pk)
        return JsonResponse({"id": post.pk}, status=201)
    return HttpResponse("\n".join(found.post_set.order_by("-id").values_list("title", flat=True)[:20]))


def channels(request):
    return JsonResponse({"channels": list(models.Channel.objects.values_list("name", flat=True))})


def podcasts(request):
    return JsonResponse({"podcasts": list(models.Podcast.objects.values_list("title", flat=True))})


def search(request):
    found = the_search.find(request.GET.get("q", ""), request.GET.get("type", "post"))
    return JsonResponse({"count": len(found), "results": found})
