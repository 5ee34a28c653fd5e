"""Two sites on one machine: one nginx, one journal, a unit and a database each. The shop goes back; the blog must not notice.

The liar is nginx: `nginx -s reload` ends with 0, and what it has loaded is what it had. So the door stays open.
"""
from pathlib import Path

import machine
from customers import Customers
from machine import sh
from project import Failed, Project


class Shop(Project):
    NAME, OTHER = "shop", "blog"
    DATABASE, TOKENS = "/srv/shop/data/shop.sqlite3", "entries.text"
    LIAR = "nginx"
    LIE = 'case "$*" in *reload*) lied; exit 0 ;; esac\nexec @REAL@ "$@"'
    NAMES = ("'close-door'", "users are not outside")

    def __init__(self, folder):
        super().__init__(folder)
        self.customers = Customers(lambda token: machine.get("http://shop.example/entries", f"text={token}")[0] == 201)
        self.readers = Customers(lambda token: machine.get("http://blog.example/entries", f"text={token}")[0] == 201)

    def prepare(self):
        sh("echo 127.0.0.1 shop.example blog.example >>/etc/hosts; systemctl enable -q shop blog; systemctl start nginx")
        self.publish(self.OTHER, self.folder)

    def init(self):
        for name in (self.NAME, self.OTHER):
            self.backout("-C", f"/srv/{name}", "init", "--yes")

    def install(self):
        super().install()
        sh("cd /srv/blog && ./deploy.sh v1")

    def begin_blog(self):
        """The blog has a release of its own in the same journal, and people who write."""
        self.backout("-C", "/srv/blog", "record", "v1")
        self.backout("-C", "/srv/blog", "good", "v1")
        self.backout("-C", "/srv/blog", "deploy", "--version", "v2", "--", "/srv/blog/deploy.sh", "v2")
        self.readers.begin()
        self.readers.have_written(3)
        self.blog = self.of_the_blog()

    def of_the_blog(self):
        """Its processes: nobody has started them again."""
        return {pid: cwd for pid, cwd in machine.processes("site.py").items() if "/blog/" in cwd}

    def deploy(self, version, ends):
        if version == "v2":
            self.begin_blog()
        super().deploy(version, ends)

    def must_be(self, version):
        super().must_be(version)
        told, tried = len(self.readers.told), self.readers.tried
        if abs(tried - told) > 1:
            raise Failed(f"the blog did not take {tried - told} of {tried} rows while the shop went back")
        if (now := self.of_the_blog()) != self.blog:
            raise Failed(f"the blog's processes changed: {self.blog}, now {now}")

    def faults(self, version):
        processes = {pid: cwd for pid, cwd in machine.processes("site.py").items() if "/blog/" not in cwd}
        found = [f"process {pid} runs in {cwd}" for pid, cwd in processes.items() if cwd != f"/srv/shop/releases/{version}"]
        found += [] if len(processes) == 1 else [f"{len(processes)} processes of the shop"]
        for name, at in (("shop", version), ("blog", "v2")):
            found += self.page(f"http://{name}.example/version", text=at)
            found += self.page(f"http://{name}.example/", text=f"<h1>{name}</h1>")
            door = Path(f"/etc/nginx/snippets/{name}-door.conf").read_text()
            found += [f"the door of {name} has a block"] if "503" in door else []
        return [*self.release_is(version), *found]


PROJECT = Shop
