"""What differs between the releases."""


def customer(email):
    return {"email": email}


def details(request):
    return {"note": request.POST.get("note", "")}
