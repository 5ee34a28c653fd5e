"""Rails: puma under systemd, one checkout, bundler, migrations of ActiveRecord in SQLite. v3 calls what is not there.

The liar is git: `git checkout` ends with 0 and leaves the files as they are.
"""
import machine
from customers import Customers
from machine import sh
from project import Project

URL = "http://127.0.0.1:3000"
DEBIANS = "/usr/share/rubygems-integration/all/specifications/bundler-*.gemspec"


class Orders(Project):
    NAME = "orders"
    DATABASE, TOKENS = "/srv/orders-data/orders.sqlite3", "orders.item"
    LIAR = "git"
    LIE = 'for word; do case $word in checkout | switch | reset | read-tree) lied; exit 0 ;; esac; done\nexec @REAL@ "$@"'
    NAMES = ("'checkout' on local", "the command said it worked, but HEAD is")

    def __init__(self, folder):
        super().__init__(folder)
        self.customers = Customers(lambda token: machine.get(f"{URL}/orders", f"item={token}")[0] == 201)

    def vendor(self, work):
        """Gemfile.lock is the team's, from this machine's gems. It names the bundler that Debian packages for them: a newer one,
        as a newer Ruby brings, takes a gem without a directory of its own for deleted."""
        sh("[ -e Gemfile.lock ] || bundle \"_$(basename " + DEBIANS + " .gemspec | cut -d - -f 2)_\" lock --local", cwd=work)

    def prepare(self):
        sh("mkdir /srv/orders-data && git clone -q /srv/git/orders.git /srv/orders && systemctl enable -q orders")

    def faults(self, version):
        return [*self.checkout_is(version, self.root), *self.runs_from("puma", self.root),
                *self.page(f"{URL}/version", text=version),
                *self.page(f"{URL}/", text="<h1>Orders"), *self.page(f"{URL}/up", text="ok")]


PROJECT = Orders
