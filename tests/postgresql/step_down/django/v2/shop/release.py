"""What differs between the releases."""


def customer(mail):
    return {"mail": mail}


def details(request):
    return {"note": request.POST.get("note", ""), "channel": request.POST.get("channel", "web"), "gift": request.POST.get("token", "").endswith("7") or None}
