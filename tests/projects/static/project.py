"""A static site: nginx serves the directory that `current` points at. v3 loses a page and its style sheet.

The liar is mv: it ends with 0, and the link is where it was.
"""
import re

import machine
from machine import sh
from project import Project

URL = "http://127.0.0.1"


class Brochure(Project):
    NAME = "brochure"
    BAD_DEPLOY_ENDS = (0,)  # the page that init asks for its version is still there
    LIAR = "mv"
    LIE = "lied; exit 0"
    NAMES = ("'switch-code' on local", "the command said it worked, but current -> releases/v4")

    def prepare(self):
        sh("systemctl start nginx")

    def faults(self, version):
        found = [*self.release_is(version), *self.page(f"{URL}/version.txt", text=version)]
        for page in ("/", "/about.html", *(["/prices.html"] if version == "v2" else [])):
            found += self.page(URL + page, text=version)
            for style in re.findall('href="([^"]*css)"', machine.get(URL + page)[1]):
                found += self.page(URL + style, text="body")
        return found


PROJECT = Brochure
