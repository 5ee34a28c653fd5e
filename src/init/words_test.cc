#include "init/words.h"

#include <gtest/gtest.h>

#include "init/facts.h"

namespace backout::init {
namespace {

using Words = std::vector<std::string>;

TEST(Words, AreSplitAsAShellDoes) {
  EXPECT_EQ(words_of("a  'b c' \"d \\\" e\" f\\ g ''"), (Words{"a", "b c", "d \" e", "f g", ""}));
  EXPECT_EQ(words_of("'never closed"), Words{"never closed"});
  EXPECT_EQ(words_of(""), Words{});
}

TEST(Words, PortsOfServers) {
  const auto port = [](std::string_view line) { return port_of(words_of(line)).value_or(0); };
  EXPECT_EQ(port("gunicorn --bind 127.0.0.1:8000 shop.wsgi"), 8000);
  EXPECT_EQ(port("gunicorn -b :8001 shop.wsgi"), 8001);
  EXPECT_EQ(port("gunicorn -b127.0.0.1:8002 app:app"), 8002);
  EXPECT_EQ(port("gunicorn --bind=0.0.0.0:8003 app:app"), 8003);
  EXPECT_EQ(port("puma -b tcp://0.0.0.0:9292"), 9292);
  EXPECT_EQ(port("puma -p 3000 -e production"), 3000);
  EXPECT_EQ(port("python manage.py runserver 0.0.0.0:8080"), 8080);
  EXPECT_EQ(port("python3 -m http.server 8081"), 8081);
  EXPECT_EQ(port("uvicorn app:app --port 5000"), 5000);
  EXPECT_EQ(port("/srv/shop/server -addr :7000"), 7000);
  EXPECT_EQ(port("env PORT=7001 node server.js"), 7001);
  EXPECT_EQ(port("flask run --host 127.0.0.1 --port=5001"), 5001);
  EXPECT_EQ(port("gunicorn app:app --bind unix:/run/shop.sock"), 0);
  EXPECT_EQ(port("gunicorn -w 4 app:app"), 0);
  EXPECT_EQ(port("node server.js --port 99999"), 0);
}

TEST(Words, PortsOfVariables) {
  EXPECT_EQ(port_of_variable("PORT=8000"), 8000);
  EXPECT_EQ(port_of_variable("SITE_PORT=8001"), 8001);
  EXPECT_EQ(port_of_variable("LINKS_ADDRESS=127.0.0.1:8080"), 8080);
  EXPECT_EQ(port_of_variable("REDIS_PORT=6379"), std::nullopt);
  EXPECT_EQ(port_of_variable("DB_ADDRESS=127.0.0.1:5432"), std::nullopt);
  EXPECT_EQ(port_of_variable("HOME_ADDRESS=12 High Street"), std::nullopt);
  EXPECT_EQ(port_of_variable("PORT"), std::nullopt);
}

TEST(Words, PortsOfSources) {
  const auto port = [](std::string_view text) { return port_in_source(text).value_or(std::pair(0, 0)); };
  EXPECT_EQ(port("const a = 1\napp.listen(process.env.PORT || 3000)"), std::pair(3000, 2));
  EXPECT_EQ(port("http.ListenAndServe(\":8080\", nil)"), std::pair(8080, 1));
  EXPECT_EQ(port("port ENV.fetch(\"PORT\") { 3001 }"), std::pair(3001, 1));
  EXPECT_EQ(port("// listen on 4000\n"), std::pair(0, 0));
  EXPECT_EQ(port("workers = 2048\n"), std::pair(0, 0));
  EXPECT_EQ(port("address.sin_port = htons(8090);"), std::pair(8090, 1));
}

TEST(Words, Roles) {
  EXPECT_EQ(role_of("shop", "gunicorn shop.wsgi --workers 4"), Role::kWeb);
  EXPECT_EQ(role_of("shop-celery", "celery -A shop worker"), Role::kWorker);
  EXPECT_EQ(role_of("shop-celerybeat", "celery -A shop beat"), Role::kBeat);
  EXPECT_EQ(role_of("sidekiq", "bundle exec sidekiq"), Role::kWorker);
  EXPECT_EQ(role_of("api", "node server.js"), Role::kWeb);
}

TEST(Words, SecretsAreRecognised) {
  EXPECT_TRUE(holds_secret({"env", "DATABASE_URL=postgres://shop@db/shop", "x"}));
  EXPECT_TRUE(holds_secret({"server", "--token", "abc"}));
  EXPECT_TRUE(holds_secret({"server", "amqp://user:hunter2@queue/"}));
  EXPECT_TRUE(holds_secret({"SECRET_KEY=abc", "server"}));
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"curl", "-H", "Authorization: Bearer x", "http://x"},
                                             {"run", "-p", "hunter"},
                                             {"run", "--pass", "hunter"},
                                             {"env", "STRIPE=sk_live_abcdefghijklmnop", "run"},
                                             {"mysql", "-uroot", "-phunter"},
                                             {"redis-cli", "-a", "hunter"},
                                             {"curl", "-u", "u:hunter", "http://x"},
                                             {"curl", "http://x/?api_key=hunter"},
                                             {"env", "PGPASSWORD=hunter;", "run"},
                                             {"run", "--key", "Ab3dEf6hIj9lMn2pQr5tUv8x"}})
    EXPECT_TRUE(holds_secret(words)) << words.back();
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"puma", "-p", "3000"},
                                             {"gunicorn", "-u", "shop", "-b", "0.0.0.0:8000", "shop.wsgi:application"},
                                             {"node", "server.js", "--host=127.0.0.1"},
                                             {"celery", "-A", "shop", "worker", "-l", "info", "-p", "/run/x.pid"},
                                             {"bundle", "exec", "puma", "-C", "config/puma.rb"},
                                             {"sh", "-c", "cd /srv/shop && exec ./run"}})
    EXPECT_FALSE(holds_secret(words)) << words.front();
  EXPECT_FALSE(holds_secret({"gunicorn", "--bind", "127.0.0.1:8000", "shop.wsgi"}));
  EXPECT_EQ(without_password("https://me:hunter2@git.example.com/a.git"),
            (std::pair{std::string("https://git.example.com/a.git"), true}));
  EXPECT_EQ(without_password("https://ghp_abc@github.com/a/b"),
            (std::pair{std::string("https://github.com/a/b"), true}));
  EXPECT_EQ(without_password("git@github.com:a/b.git").second, false);
  EXPECT_EQ(without_password("ssh://git@host/a.git").second, false);
}

TEST(Words, NamesAreMadeFromAnything) {
  EXPECT_EQ(as_name("shop"), "shop");
  EXPECT_EQ(as_name("../a b\n\"c\""), "a-b-c");
  EXPECT_EQ(as_name("--"), "");
  EXPECT_EQ(as_name("\xff"), "");
}

TEST(Words, IniFilesGoOnOverLines) {
  const auto sections = parse_ini(
      "; a comment\n[Service]\nExecStart=/a \\\n  --b\nUser = shop\n[program:x]\ncommand=run ; and a "
      "comment\nenvironment=A=1,\n    B=2\n");
  ASSERT_EQ(sections.size(), 2U);
  EXPECT_EQ(sections[0].get("ExecStart"), "/a  --b");
  EXPECT_EQ(sections[0].get("User"), "shop");
  EXPECT_EQ(sections[1].get("command"), "run");
}

TEST(Facts, AProjectIsMentionedOnlyAsAWholePath) {
  Facts facts;
  facts.directory = "/srv/shop";
  facts.aliases = {"/data/shop"};
  EXPECT_TRUE(mentions(facts, "/srv/shop"));
  EXPECT_TRUE(mentions(facts, "cd /srv/shop/current && run"));
  EXPECT_TRUE(mentions(facts, "'/data/shop'"));
  EXPECT_FALSE(mentions(facts, "/srv/shop2/current"));
  EXPECT_FALSE(mentions(facts, "/srv/shop-staging"));
  EXPECT_FALSE(mentions(facts, "/old/srv/shop"));
}

TEST(Words, MigrationsAreNoDumps) {
  for (const char* path : {"/srv/shop/migrations/0001_users.sql", "/srv/shop/db/structure.sql", "db/migrate/2/up.sql"})
    EXPECT_TRUE(is_sql_of_the_code(path)) << path;
  for (const char* path : {"/var/backups/shop/monday.sql", "/srv/shop/shop.sql.gz", "migrations.sql", ""})
    EXPECT_FALSE(is_sql_of_the_code(path)) << path;
}

}  // namespace
}  // namespace backout::init
