"""Static assets outside the release, changes by hand in a checkout, and configuration of several hosts, whole program."""
from site_of import Site, expect, expect_words

PAGE = "  - {{run: 'test \"$(cat {base}/static/app.css)\" = {{{{version}}}}', name: what is served, attempts: 1}}"


def content(site):
    return {str(path.relative_to(site.base / "static")): path.read_text().strip()
            for path in sorted((site.base / "static").rglob("*")) if path.is_file() and ".backout-static" not in path.parts}


def in_place(base, backout, checks=PAGE):
    """v1 and v2 have a file of one name and a hashed one each, which the team's own script copies to where they are served."""
    site = Site(base, backout)

    def write(version):
        public = site.base / "work" / "public"
        public.mkdir(exist_ok=True)
        for old in public.iterdir():
            old.unlink()
        (public / "app.css").write_text(f"v{version}\n")
        (public / f"app.{version * 3}.js").write_text(f"v{version}\n")

    site.repository(write)
    site.configure("code:\n  layout: in-place\n  path: shop\n  static: [{from: public, to: static, keep: 1h}]\n", checks.format(base=site.base))
    (site.base / "deploy.sh").write_text(f"set -e\ncd {site.shop}\ngit checkout -q $1\nmkdir -p ../static\ncp public/* ../static\n")
    site.sh("sh deploy.sh v1; echo mine >static/uploaded")
    site.must("record", "v1")
    site.must("good", "v1")
    site.must("deploy", "--version", "v2", "--", "sh", str(site.base / "deploy.sh"), "v2")
    return site


def released(base, backout):
    """The same with release directories."""
    site = Site(base, backout)
    for version in "12":
        public = site.base / "app" / "releases" / f"v{version}" / "public"
        public.mkdir(parents=True)
        (public / "app.css").write_text(f"v{version}\n")
        (public / f"app.{version * 3}.js").write_text(f"v{version}\n")
    site.configure("code:\n  layout: releases\n  path: app\n  static: [{from: public, to: static, keep: 1h}]\n", PAGE.format(base=site.base))
    (site.base / "deploy.sh").write_text(f"set -e\ncd {site.base}\nln -sfn releases/$1 app/current\nmkdir -p static\ncp app/current/public/* static\n")
    site.sh("sh deploy.sh v1; echo mine >static/uploaded")
    site.must("record", "v1")
    site.must("good", "v1")
    site.must("deploy", "--version", "v2", "--", "sh", str(site.base / "deploy.sh"), "v2")
    return site


def come_back(site):
    """Back, forward, put back after a failing check, and a look that sees a file which is not the release's."""
    with_v2 = content(site)
    faults = expect(with_v2["app.css"] == "v2", f"before: {with_v2}")
    yaml = site.base / "backout.yaml"
    good = yaml.read_text()
    yaml.write_text(good.replace("checks:\n", "checks:\n  - {run: 'false', name: never, attempts: 1}\n"))
    ended = site.rollback()
    faults += expect(ended.status == 1, f"a check that fails: exit status {ended.status}\n{ended.output}")
    faults += expect(content(site) == with_v2, f"put back: {content(site)}, it was {with_v2}")
    yaml.write_text(good)
    ended = site.rollback()
    faults += expect(ended.status == 0, f"back: exit status {ended.status}\n{ended.output}")
    expected = {"app.css": "v1", "app.111.js": "v1", "app.222.js": "v2", "uploaded": "mine"}
    faults += expect(content(site) == expected, f"back: {content(site)}; open pages of v2 ask for app.222.js")
    faults += expect(site.run("verify").status == 0, f"verify\n{site.run('verify').output}")
    ended = site.rollback("--forward")
    faults += expect(ended.status == 0, f"forward: exit status {ended.status}\n{ended.output}")
    return faults + expect(content(site)["app.css"] == "v2", f"forward: {content(site)}")


def sees_another_file(site):
    (site.base / "static" / "app.222.js").write_text("v3\n")
    seen = site.run("verify")
    return expect(seen.status != 0, f"another file is verified\n{seen.output}") + expect_words(seen, "app.222.js")


def static_in_place(base, backout):
    site = in_place(base, backout)
    return come_back(site) + sees_another_file(site)


def static_releases(base, backout):
    site = released(base, backout)
    return come_back(site) + sees_another_file(site)


def static_of_users(base, backout):
    """What users sent meanwhile is theirs: put back after a failing check or gone back, nothing of it is rewound or comes again."""
    site = released(base, backout)
    static = site.base / "static"
    (static / "avatar.png").write_text("old\n")
    (static / "going.png").write_text("going\n")
    yaml = site.base / "backout.yaml"
    good = yaml.read_text()
    # The check is asked after the files were brought, and stands for users that are at work meanwhile.
    sent = f"echo new >{static}/avatar.png; rm -f {static}/going.png; false"
    yaml.write_text(good.replace("checks:\n", f"checks:\n  - {{run: '{sent}', name: never, attempts: 1}}\n"))
    faults = expect(site.rollback().status == 1, "a check that fails: it did not")
    for word in ("put back", "back"):
        there = content(site)
        faults += expect(there["avatar.png"] == "new" and "going.png" not in there, f"{word}: {there}")
        yaml.write_text(good)
        faults += expect(word == "back" or site.rollback().status == 0, "back")
    return faults


def static_in_the_way(base, backout):
    """A directory where a file must go, files that are gone, a link to what a rollback needs: ready is red, nothing is half done."""
    site = released(base, backout)
    static, public = site.base / "static", site.base / "app" / "releases" / "v1" / "public"
    faults = expect(site.run("ready").status == 0, f"ready\n{site.run('ready').output}")
    (static / "app.css").unlink()
    (static / "app.css").mkdir()
    faults += expect_words(site.run("ready"), "app.css (a directory)")
    faults += expect(site.run("ready").status != 0 and site.rollback().status == 1, "a directory in the way")
    faults += expect(not list(static.rglob("*.backout-tmp")), f"left: {content(site)}")
    (static / "app.css").rmdir()
    (static / "app.css").write_text("v2\n")
    public.rename(site.base / "aside")
    faults += expect_words(site.run("ready"), "static files of v1 are gone")
    (site.base / "aside").rename(public)
    static.rename(site.base / "real")
    for place in ("app", "app/current", "app/releases/v1", "state", "target", "."):
        static.symlink_to(site.base / place)
        faults += expect_words(site.run("plan"), "code.static: on local", "nothing but files that are served")
        ended = site.rollback()
        faults += expect(ended.status not in (0, 1) and "code.static" in ended.output, f"{place}: {ended.status}\n{ended.output}")
        static.unlink()
    (site.base / "real").rename(static)
    faults += expect(site.run("ready").status == 0, f"ready again\n{site.run('ready').output}")
    return faults


def by_hand(base, backout):
    """Changes by hand are named before and after, and how to get them back; what a build writes unknown to anybody is no success."""
    site = Site(base, backout)
    site.repository(lambda version: (site.base / "work" / "generated.txt").write_text("from git\n"))
    (site.base / "built.txt").write_text("from git\n")
    site.configure(f"code:\n  layout: in-place\n  path: shop\n  build: ['cat {base}/built.txt >generated.txt']\n",
                   f"  - {{run: 'grep -qx {{{{version}}}} {base}/shop/VERSION', name: version, attempts: 1}}")
    site.must("record", "v1")
    site.must("good", "v1")
    (site.base / "deploy.sh").write_text(f"set -e\ncd {site.shop}\ngit checkout -q v2\n")
    site.must("deploy", "--version", "v2", "--", "sh", str(site.base / "deploy.sh"))
    (site.shop / "VERSION").write_text("v2\nby hand\n")

    (site.base / "built.txt").write_text("another thing\n")
    ended = site.rollback()
    faults = expect(ended.status == 1, f"a build that writes a tracked file: exit status {ended.status}\n{ended.output}")
    faults += expect_words(ended, "what runs is not v1", "generated.txt", "code.ignore")
    faults += expect((site.shop / "VERSION").read_text() == "v2\nby hand\n", "what was changed by hand was not put back")

    yaml = site.base / "backout.yaml"
    yaml.write_text(yaml.read_text().replace("  path: shop\n", "  path: shop\n  ignore: [generated.txt]\n"))
    (site.shop / "generated.txt").write_text("from git\n")
    faults += expect_words(site.run("plan"), "! code  1 file is changed by hand", "- VERSION")
    ended = site.rollback()
    faults += expect(ended.status == 0, f"with its name in code.ignore: exit status {ended.status}\n{ended.output}")
    command = next((line.split("one back: ")[1] for line in ended.output.splitlines() if "one back: " in line), "false")
    faults += expect_words(ended, "changed by hand", f"git -C {site.shop} checkout refs/backout/dirty-RUN-")
    faults += expect_words(site.run("report"), "changed by hand")
    faults += expect_words(site.run("plan", "--forward"), "v2 had changes by hand", "VERSION", command)
    ended = site.rollback("--forward")
    faults += expect(ended.status == 0, f"forward: exit status {ended.status}\n{ended.output}") + \
        expect_words(ended, "v2 had changes by hand", command)
    site.sh(command)
    return faults + expect((site.shop / "VERSION").read_text() == "v2\nby hand\n", "what it says does not get the change back")


def of_each_host(base, backout):
    """code.path and code.config with {host} in them: each host's own files are saved, kept and put back."""
    site = Site(base, backout)
    for host in ("a", "b"):
        for version in "12":
            (site.base / host / "app" / "releases" / f"v{version}").mkdir(parents=True)
            (site.base / host / "app" / "releases" / f"v{version}" / "app.txt").write_text(f"v{version}\n")
        (site.base / host / "env").write_text(f"host={host} one\n")
    site.configure(f"code:\n  layout: releases\n  path: {base}/{{host}}/app\n  config: ['{base}/{{host}}/env']\n",
                   f"  - {{run: 'test \"$(cat {base}/a/app/current/app.txt)\" = {{{{version}}}}', name: version, attempts: 1, hosts: [a]}}")
    yaml = site.base / "backout.yaml"
    yaml.write_text(yaml.read_text().replace(f"hosts: {{local: {{root: {site.base}/target}}}}",
                                             f"hosts: {{a: {{root: {site.base}/target-a}}, b: {{root: {site.base}/target-b}}}}"))
    (site.base / "deploy.sh").write_text(f"set -e\ncd {site.base}\nfor host in a b; do ln -sfn releases/$1 $host/app/current; done\n")
    site.sh("sh deploy.sh v1")
    site.must("record", "v1")
    site.must("good", "v1")
    site.must("deploy", "--version", "v2", "--", "sh", str(site.base / "deploy.sh"), "v2")
    for host in ("a", "b"):
        (site.base / host / "env").write_text(f"host={host} two\n")
    faults, good = [], yaml.read_text()
    for status, word, text in ((1, "two", good.replace("checks:\n", "checks:\n  - {run: 'false', name: never, attempts: 1, hosts: [a]}\n")),
                               (0, "one", good)):
        yaml.write_text(text)
        ended = site.rollback()
        faults += expect(ended.status == status, f"{word}: exit status {ended.status}\n{ended.output}")
        for host in ("a", "b"):
            env = (site.base / host / "env").read_text()
            faults += expect(env == f"host={host} {word}\n", f"exit status {status}: {host} has '{env}'")
    return faults


CASES = {case.__name__.replace("_", "-"): (case, lambda: "") for case in (static_in_place, static_releases, static_of_users,
                                                                             static_in_the_way, by_hand, of_each_host)}
