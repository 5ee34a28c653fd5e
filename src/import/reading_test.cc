// Lines to commands, placeholders, dangers: what real runbooks write, and what only looks like it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "import/block.h"
#include "import/commands.h"
#include "import/danger.h"
#include "import/known.h"
#include "import/placeholder.h"
#include "import/rules.h"
#include "import/sentence.h"

namespace backout::import {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> names_in_text(const std::string& text) {
  std::vector<std::string> names;
  for (const Placeholder& each : placeholders_in(text)) names.push_back(each.name);
  return names;
}

TEST(Reading, Placeholders) {
  EXPECT_THAT(names_in_text("kubectl -n [namespace] rollout undo deployment/[name]"), ElementsAre("namespace", "name"));
  EXPECT_THAT(names_in_text("git checkout v<previous> && x ${SITE} $TAG {{ version }}"),
              ElementsAre("previous", "SITE", "TAG", "version"));
  EXPECT_THAT(names_in_text("cd /path/to/app; cp a-YYYY-MM-DD.sql b"), ElementsAre("/path/to", "YYYY-MM-DD"));
  for (const char* none : {"docker images --format '{{.Repository}}:{{.Tag}}'", "curl -w '%{http_code}' x", "${VAR:-x}",
                           "awk '{print $1}'", "grep '[a-z]' x", "echo ${list[index]}", "[[ -f x ]]", "a<br>b",
                           "cat <<EOF", "psql < dump.sql > out", "[guide](guide.md)", "X1=1; echo $X1 $HOME",
                           "sort <in.txt", "[X] 0001", "TAG=v1; git checkout $TAG", "print(list[:10])"})
    EXPECT_THAT(names_in_text(none), IsEmpty()) << none;
}

TEST(Reading, SentencesAreNoCommands) {
  for (const char* command : {"sudo systemctl stop nginx", "git push", "make deploy ENV=x", "./rollback.sh v1",
                              "/usr/local/bin/restore --all", "FOO=1 npm run build", "export SITE=acme",
                              "docker compose -f a.yml up -d", "psql ... < backup.sql", "git revert ...",
                              ">>> User.objects.count()", "poetry install", "cd frontends/shop", "$ ls"})
    EXPECT_TRUE(looks_like_command(command)) << command;
  for (const char* sentence :
       {"make sure that it is gone", "find somebody who knows", "watch for errors", "Watch the logs",
        "git is used for that.", "service won't start after upgrade", "test the fix in staging", "Stop services",
        "kill switches are off", "/health/ returns 200", "docker is not running", "node count is right",
        "open the dashboard and look", "", "curl the endpoint and see:"})
    EXPECT_FALSE(looks_like_command(sentence)) << sentence;
}

TEST(Reading, StopIsALabelOrACondition) {
  for (const char* condition :
       {"Stop if: Dependency installation fails.", "STOP if the counts differ", "STOP: when it fails",
        "🛑 STOP — do not go on if it is red", "Do not continue unless the backup is there"})
    EXPECT_TRUE(is_stop_condition(condition)) << condition;
  for (const char* label : {"STOP", "Stop services", "STOP: read this first", "Stopping the site", "Do not panic"})
    EXPECT_FALSE(is_stop_condition(label)) << label;
}

TEST(Reading, CheckboxesAndTheirLookAlikes) {
  EXPECT_TRUE(marks_of("- [ ] done").checkbox);
  EXPECT_TRUE(marks_of("  3. [x] done").checkbox);
  EXPECT_TRUE(marks_of("[ ] done").checkbox);
  EXPECT_FALSE(marks_of("[X] 0001_initial").checkbox);
  EXPECT_FALSE(marks_of("- [link](x)").checkbox);
  EXPECT_FALSE(marks_of("-[ ] done").checkbox);
}

TEST(Reading, DestructiveCommands) {
  for (const char* command : {"dropdb shop",
                              "psql -c \"DROP DATABASE shop;\"",
                              "DROP TABLE x",
                              "rm -rf /srv/x",
                              "rm -fr x",
                              "git reset --hard v1",
                              "git push origin main --force",
                              "git push -f",
                              "pg_restore --clean -d x y",
                              "docker volume rm v",
                              "docker compose down -v",
                              "kubectl delete pod x",
                              "helm uninstall x",
                              "terraform destroy",
                              "redis-cli FLUSHALL",
                              "rails db:drop",
                              "TRUNCATE orders",
                              "DELETE FROM orders",
                              "aws s3 rm s3://x --recursive",
                              "php artisan migrate:fresh",
                              "php artisan backup:restore --latest",
                              "find . -name x -delete"})
    EXPECT_TRUE(danger_of(command)) << command;
  for (const char* command : {"git checkout v1", "rm file", "pg_restore -d x y", "docker compose down",
                              "kubectl get pods", "git push origin main", "systemctl restart x", "echo dropped"})
    EXPECT_FALSE(danger_of(command)) << command;
}

TEST(Reading, OneCommandHasItsContinuationsAndItsInput) {
  const auto texts = [](std::vector<std::string> lines, const std::string& language = "bash") {
    std::vector<Line> numbered;
    for (std::string& line : lines) numbered.push_back({static_cast<int>(numbered.size()) + 1, std::move(line)});
    std::vector<std::string> found;
    for (const Item& item : commands_of(numbered, language)) found.push_back(item.text);
    return found;
  };
  EXPECT_THAT(texts({"a \\", "  b", "c"}), ElementsAre("a \\\n  b", "c"));
  EXPECT_THAT(texts({"cat <<EOF", "# no comment", "EOF", "b"}), ElementsAre("cat <<EOF\n# no comment\nEOF", "b"));
  EXPECT_THAT(texts({"for x in 1; do", "  y", "done", "z"}), ElementsAre("for x in 1; do\n  y\ndone", "z"));
  EXPECT_THAT(texts({"$ a", "output", "$ b"}), ElementsAre("a", "b"));
  EXPECT_THAT(texts({"psql shop", "SELECT 1;", "\\q", "b"}), ElementsAre("psql shop\nSELECT 1;\n\\q", "b"));
  EXPECT_THAT(texts({"a", "# - tell somebody"}), ElementsAre("a", "# - tell somebody"));
  EXPECT_THAT(texts({"cat <<EOF", "never ended"}), ElementsAre("cat <<EOF", "never ended"));
}

TEST(Reading, CommandsAreKnownByTheirWords) {
  const auto is = [](const std::string& command) {
    const Meaning meaning = meaning_of(command, "bash");
    return std::string(name_of(meaning.to)) + (meaning.phase ? " " + std::string(name_of(*meaning.phase)) : "");
  };
  EXPECT_EQ(is("sudo -u app pm2 stop shop"), "services close");
  EXPECT_EQ(is("cd /srv/x && git checkout v1"), "code switch");
  EXPECT_EQ(is("gunzip < x.sql.gz | docker-compose exec -T db psql -U a b"), "database switch");
  EXPECT_EQ(is("zcat x.sql.gz | psql shop"), "database switch");
  EXPECT_EQ(is("curl -f http://localhost/ || echo FAIL"), "checks check");
  EXPECT_EQ(is("curl -X POST http://localhost/flags -d off"), "commands");
  EXPECT_EQ(is("docker compose exec web python manage.py migrate shop 0007"), "migrations switch");
  EXPECT_EQ(is("bundle exec rails db:rollback STEP=1"), "migrations switch");
  EXPECT_EQ(is("git pull && systemctl restart x"), "commands") << "two things in one line stay as they are";
  EXPECT_EQ(is("php artisan down"), "door close");
  EXPECT_EQ(is("kubectl rollout history deployment/x"), "version prepare");
}

TEST(Reading, TimesAndRoles) {
  EXPECT_EQ(within_of("Immediate (< 15 min)"), "15m");
  EXPECT_EQ(within_of("1-2 hours"), "2h");
  EXPECT_EQ(within_of("Immediate"), "0s");
  EXPECT_EQ(within_of("Next release"), "");
  EXPECT_EQ(role_of_words("**DevOps Lead** (night)"), "devops-lead");
}

}  // namespace
}  // namespace backout::import
