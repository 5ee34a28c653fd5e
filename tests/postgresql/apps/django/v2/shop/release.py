"""What differs between the releases."""


def customer(mail):
    return {"mail": mail}


def details(request):
    return {"channel": request.POST.get("channel", "web")}
