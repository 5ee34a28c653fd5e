// Projects, nginx, databases and dumps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "init/detect.h"
#include "init/facts_for_tests.h"
#include "init/nginx_syntax.h"

namespace backout::init {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> values(const std::vector<Seen>& seen) {
  std::vector<std::string> words;
  for (const Seen& each : seen) words.push_back(each.value);
  return words;
}
std::vector<std::string> paths(const Draft& draft) {
  std::vector<std::string> words;
  for (const CheckDraft& check : draft.checks)
    words.push_back(check.path + (check.reports_version ? " version" : "") + check.command);
  return words;
}

TEST(DetectPython, DjangoSettingsAsStartprojectWritesThem) {
  const Facts facts =
      facts_for_tests({{"manage.py", ""},
                       {"shop/settings.py",
                        "BASE_DIR = Path(__file__).resolve().parent.parent\nSTATIC_URL = '/static/'\nSTATIC_ROOT = "
                        "BASE_DIR / 'static'\n"
                        "DATABASES = {\n    'default': {\n        'ENGINE': 'django.db.backends.sqlite3',\n        "
                        "'NAME': BASE_DIR / 'db.sqlite3',\n    }\n}\n"},
                       {"shop/urls.py",
                        "urlpatterns = [\n    path('admin/', admin.site.urls),\n    path('health/', views.health),\n   "
                        " re_path(r'^version$', views.version),\n]\n"},
                       {"venv/pyvenv.cfg", "home = /usr/bin\ninclude-system-site-packages = false\n"},
                       {"requirements.txt", "django\n"}});
  const Draft draft = detect(facts);
  EXPECT_EQ(draft.kind, "Django");
  EXPECT_THAT(values(draft.build), ElementsAre("python3 -m venv venv", "venv/bin/pip install -r requirements.txt",
                                               "venv/bin/python manage.py collectstatic --noinput"));
  EXPECT_THAT(values(draft.keep_builds), ElementsAre("venv"));
  EXPECT_EQ(draft.sqlite.value, "/srv/shop/db.sqlite3");
  EXPECT_EQ(draft.migrations.value, "venv/bin/python manage.py");
  EXPECT_THAT(paths(draft), ElementsAre("/version version", "/health/", "venv/bin/python manage.py check"));
}

TEST(DetectPython, RequirementsWithoutAVirtualenvAreNamed) {
  const Draft draft = detect(facts_for_tests(
      {{"app.py", "app = Flask(__name__)\n"}, {"requirements.txt", "flask\n"}, {"Procfile", "web: flask run\n"}}));
  EXPECT_THAT(draft.build, ::testing::IsEmpty());
  EXPECT_THAT(draft.remarks, ElementsAre(::testing::HasSubstr("requirements.txt is there, but no virtualenv")));
}

TEST(DetectPython, ADatabaseServerIsNamedAndItsUrlIsNotCopied) {
  Facts facts = facts_for_tests({{"app.py", "app = Flask(__name__)\n@app.route('/healthz')\n"}});
  facts.environment = {{"/etc/shop/env", "DATABASE_URL=postgres://shop:hunter2@db/shop\n"}};
  const Draft draft = detect(facts);
  EXPECT_EQ(draft.kind, "Python");
  EXPECT_TRUE(draft.needs_process);
  EXPECT_EQ(draft.other_database.value, "postgresql");
  EXPECT_EQ(draft.other_database.where.find("hunter2"), std::string::npos);
  EXPECT_TRUE(draft.sqlite.empty());
  EXPECT_THAT(paths(draft), ElementsAre("/healthz"));
}

TEST(DetectNode, ThePackageManagerIsTheOneOfTheLockFile) {
  const std::string package =
      R"({"scripts": {"start": "node server.js", "build": "vite build"}, "dependencies": {"express": "4"}, "engines": {"node": ">=18"}})";
  const std::string server = "app.get('/version', show);\napp.listen(process.env.PORT || 3000);\n";
  const Draft npm =
      detect(facts_for_tests({{"package.json", package}, {"package-lock.json", "{}"}, {"server.js", server}}));
  EXPECT_THAT(values(npm.build), ElementsAre("npm ci --no-audit --no-fund", "npm run build"));
  EXPECT_EQ(npm.fallback_ports.front().value, "3000");
  EXPECT_THAT(paths(npm), ElementsAre("/version version"));
  const Draft yarn = detect(facts_for_tests({{"package.json", package}, {"yarn.lock", ""}}));
  EXPECT_EQ(yarn.build.front().value, "yarn install --frozen-lockfile");
  EXPECT_THAT(detect(facts_for_tests({{"package.json", "{broken"}})).remarks,
              ElementsAre(::testing::HasSubstr("package.json")));
}

TEST(DetectRuby, RailsByItsFiles) {
  const Draft draft = detect(facts_for_tests(
      {{"Gemfile", "gem 'rails'\n"},
       {"bin/rails", ""},
       {"config/puma.rb", "threads 5, 5\nport ENV.fetch(\"PORT\") { 3000 }\n"},
       {"config/database.yml",
        "default: &default\n  adapter: sqlite3\n  pool: 5\ndevelopment:\n  <<: *default\n  database: "
        "db/development.sqlite3\n"
        "production:\n  <<: *default\n  database: /srv/data/production.sqlite3\n"},
       {"config/routes.rb",
        "Rails.application.routes.draw do\n  get \"up\" => \"rails/health#show\", as: :rails_health_check\nend\n"}}));
  EXPECT_EQ(draft.kind, "Rails");
  EXPECT_THAT(values(draft.build), ElementsAre("bundle install"));
  EXPECT_EQ(draft.sqlite.value, "/srv/data/production.sqlite3");
  EXPECT_EQ(draft.fallback_ports.front().value, "3000");
  EXPECT_THAT(paths(draft), ElementsAre("/up"));
}

TEST(DetectBinary, GoAndC) {
  const Draft go = detect(
      facts_for_tests({{"go.mod", "module shop\n"},
                       {"Makefile", "all: build\nbuild:\n\tgo build -o shop .\n"},
                       {"main.go", "http.HandleFunc(\"/healthz\", ok)\nhttp.ListenAndServe(\":8600\", nil)\n"}}));
  EXPECT_THAT(values(go.build), ElementsAre("make build"));
  EXPECT_EQ(go.fallback_ports.front().value, "8600");
  EXPECT_THAT(paths(go), ElementsAre("/healthz"));
  const Draft c = detect(
      facts_for_tests({{"Makefile", "job: job.c\n\t$(CC) -o $@ $<\n"}, {"job.c", "int main(void) { return 0; }\n"}}));
  EXPECT_THAT(values(c.build), ElementsAre("make"));
  EXPECT_FALSE(c.needs_process);
}

TEST(DetectNginx, TheServerBlocksOfTheProject) {
  Facts facts = facts_for_tests();
  facts.systemd = {
      {"/etc/systemd/system/shop.service", "[Service]\nExecStart=/srv/shop/server -addr 127.0.0.1:8700\n"}};
  facts.nginx = {
      {"/etc/nginx/nginx.conf",
       "user www-data;\nevents { worker_connections 768; }\nhttp {\n  include /etc/nginx/mime.types;\n  gzip on;\n}\n"},
      {"/etc/nginx/sites-enabled/default",
       "server {\n\tlisten 80 default_server;\n\tlisten [::]:80 default_server;\n\troot /var/www/html;\n\tserver_name "
       "_;\n}\n"},
      {"/etc/nginx/sites-enabled/shop",
       "# 'quoted' in a comment {\nserver { listen 80; server_name shop.example.com; return 301 "
       "https://$host$request_uri; }\n"
       "server {\n  listen 443 ssl http2;\n  server_name shop.example.com;\n  error_log /var/log/nginx/shop.log warn;\n"
       "  location / { proxy_pass http://127.0.0.1:8700; proxy_set_header Host $host; }\n}\n"}};
  const Draft draft = detect(facts);
  EXPECT_EQ(draft.public_url.value, "https://shop.example.com");
  EXPECT_EQ(draft.door.where, "/etc/nginx/sites-enabled/shop, line 3");
  EXPECT_TRUE(draft.door.include.empty());
  EXPECT_THAT(values(draft.logs), ElementsAre("/var/log/nginx/shop.log"));
}

TEST(DetectNginx, AnUpstreamGivesAServiceItsPort) {
  Facts facts = facts_for_tests();
  facts.supervisor = {{"/etc/supervisor/conf.d/shop.conf", "[program:web]\ncommand=/srv/shop/run\n"}};
  facts.nginx = {{"/etc/nginx/conf.d/shop.conf",
                  "upstream shop_app { server 127.0.0.1:8800 fail_timeout=0; }\nserver {\n  listen 127.0.0.1:8080;\n"
                  "  root /srv/shop/public;\n  include /etc/nginx/shop-maintenance.conf;\n  location @app { proxy_pass "
                  "http://shop_app; }\n}\n"}};
  const Draft draft = detect(facts);
  EXPECT_EQ(draft.services.front().port, 8800);
  EXPECT_EQ(draft.public_url.value, "http://127.0.0.1:8080");
  EXPECT_EQ(draft.door.include.value, "/etc/nginx/shop-maintenance.conf");
}

TEST(DetectNginx, AStaticSiteIsAskedByItsName) {
  Facts facts = facts_for_tests({{"index.html", ""}});
  facts.nginx = {
      {"/etc/nginx/conf.d/shop.conf", "server { listen 8080; server_name www.example.com; root /srv/shop/current; }"}};
  const Draft draft = detect(facts);
  EXPECT_EQ(draft.kind, "static files");
  EXPECT_EQ(draft.base_url.value, "http://127.0.0.1:8080");
  EXPECT_EQ(draft.host_header, "www.example.com");
}

TEST(DetectNginx, AFileThatHoldsTheReleasesNameIsAsked) {
  Facts facts = facts_for_tests({{"public/version.txt", "v2\n"}});
  facts.code = "/srv/shop/current";
  facts.has_current = true;
  facts.current = "v2";
  facts.nginx = {
      {"/etc/nginx/conf.d/shop.conf",
       "server { listen 80 default_server; root /srv/shop/current/public; include snippets/shop-door.conf; }"}};
  const Draft draft = detect(facts);
  EXPECT_EQ(draft.base_url.value, "http://127.0.0.1");
  EXPECT_THAT(paths(draft), ElementsAre("/version.txt version"));
  EXPECT_EQ(draft.door.include.value, "/etc/nginx/snippets/shop-door.conf");
}

TEST(DetectScripts, TheTeamsOwnWayToBuildWinsWhereItIsUnderstood) {
  Facts facts = facts_for_tests({{"go.mod", "module links\n"}});
  facts.scripts = {{"/srv/shop/deploy.sh",
                    "#!/bin/sh\nset -eu\nversion=$1\ncd /srv/shop\ngit clone -q --branch \"$version\" "
                    "/srv/git/shop.git \"releases/$version.new\"\n"
                    "echo \"$version\" >\"releases/$version/VERSION\"\n"
                    "(cd \"releases/$version.new\" && go build -ldflags \"-X main.version=$version\" -o links "
                    ".)\nsystemctl restart links\n"}};
  const Draft draft = detect(facts);
  EXPECT_THAT(values(draft.build),
              ElementsAre("echo \"$(git describe --tags --always)\" >VERSION",
                          "go build -ldflags \"-X main.version=$(git describe --tags --always)\" -o links ."));
  EXPECT_EQ(draft.git.value, "/srv/git/shop.git");
  facts.scripts[0].text = "make PREFIX=$HOME/x\n";
  const Draft unclear = detect(facts);
  EXPECT_THAT(values(unclear.build), ElementsAre("go build ./..."));
  EXPECT_THAT(unclear.remarks, ElementsAre(::testing::HasSubstr("deploy.sh")));
  facts.scripts[0].text = "make migrate\nmakefile\nnpm start\n";
  EXPECT_THAT(values(detect(facts).build), ElementsAre("go build ./..."));
}

TEST(DetectDatabases, TheBooksOfAMigrationToolAreNotRowsOfUsers) {
  Facts facts = facts_for_tests();
  facts.databases = {{.path = "/srv/shop/data/shop.sqlite3", .bookkeeping = {"schema_migrations"}}};
  facts.systemd = {{"/etc/systemd/system/shop.service",
                    "[Service]\nWorkingDirectory=/srv/shop/current\nExecStart=/usr/bin/python3 -B site.py\n"
                    "Environment=SITE_NAME=shop SITE_PORT=8001 SITE_DB=/srv/shop/data/shop.sqlite3\n"}};
  const Draft draft = detect(facts);
  EXPECT_EQ(draft.sqlite.value, "/srv/shop/data/shop.sqlite3");
  EXPECT_THAT(draft.left_tables, ElementsAre("schema_migrations"));
  EXPECT_EQ(draft.services.front().port, 8001);
}

TEST(DetectNginx, BrokenAndHostileTextIsNoHarm) {
  for (const std::string& text :
       {std::string("server { listen"), std::string("}}}}"), std::string(100'000, '{'), std::string("\"never closed"),
        std::string("a { \\"), std::string("listen ${x; server {")})
    EXPECT_LE(parse_nginx(text).size(), 100'000U);
}

TEST(DetectDatabases, ADatabaseThatWasNotSeenHasTheBooksOfItsFramework) {
  const Draft draft = detect(facts_for_tests(
      {{"Gemfile", "gem \"rails\"\n"},
       {"config/application.rb", "module Shop\nend\n"},
       {"config/database.yml", "production:\n  adapter: sqlite3\n  database: /srv/shop-data/shop.sqlite3\n"}}));
  EXPECT_EQ(draft.sqlite.value, "/srv/shop-data/shop.sqlite3");
  EXPECT_THAT(draft.left_tables, ElementsAre("schema_migrations", "ar_internal_metadata"));
}

TEST(DetectEndpoints, APathThatIsComparedWithTheRequestsLine) {
  const Draft draft =
      detect(facts_for_tests({{"web.c", "  else if (strncmp(request, \"GET /version \", 13) == 0)\n"}}));
  EXPECT_THAT(paths(draft), ElementsAre("/version version"));
}

TEST(DetectDumps, TheDirectoryWithMost) {
  Facts facts = facts_for_tests();
  facts.dumps = {{"/var/backups/shop/1.sql.gz"}, {"/var/backups/shop/2.sql.gz"}, {"/srv/shop/old.sql"}};
  EXPECT_EQ(detect(facts).backups.value, "/var/backups/shop");
}

TEST(DetectLayout, ReleasesOrACheckout) {
  Facts facts = facts_for_tests();
  facts.git = {.root = "/srv/shop",
               .remote = "https://me:hunter2@example.com/shop.git",
               .branch = "main",
               .commit = "",
               .tags = {"v1"}};
  const Draft checkout = detect(facts);
  EXPECT_EQ(checkout.layout.value, "in-place");
  EXPECT_EQ(checkout.git.value, "https://example.com/shop.git");
  facts.has_current = true;
  facts.releases = {"v1", "v2"};
  facts.current = "v2";
  facts.owner = "deploy";
  const Draft releases = detect(facts);
  EXPECT_EQ(releases.layout.value, "releases");
  EXPECT_EQ(releases.git_user.value, "deploy");
  EXPECT_THAT(detect(facts_for_tests()).layout.value, IsEmpty());
}

}  // namespace
}  // namespace backout::init
