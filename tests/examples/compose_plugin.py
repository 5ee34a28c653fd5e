"""compose, played by the real `docker compose` instead of docker-compose: tests/support/compose_plugin.sh."""
import compose
from place import ROOT
from ports import free_port

NEEDS = ("docker-registry", *(need for need in compose.NEEDS if need != "docker-compose"))


def cannot():
    """Why not, when the plugin cannot be had."""
    return compose.plugin()[1]


def run(place):
    place.example = ROOT / "examples" / "compose"
    return compose.run(place, "docker compose", free_port())
