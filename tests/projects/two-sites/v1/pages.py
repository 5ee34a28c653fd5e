"""What a release shows."""
NEWEST = "SELECT text FROM entries ORDER BY id DESC LIMIT 10"


def entry(text):
    return f"<p>{text}</p>"
