"""What a release shows."""
NEWEST = "SELECT text FROM entries ORDER BY weight DESC LIMIT 10"


def entry(text):
    return f"<p class=entry>{text}</p>"
