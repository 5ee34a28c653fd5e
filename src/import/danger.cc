#include "import/danger.h"

#include <memory>
#include <vector>

#include "base/pattern.h"

namespace backout::import {
namespace {

struct Way {
  const char *expression, *what;
};
constexpr Way kWays[] = {
    {R"((?i)\bdrop\s+(database|schema)\b|\bdropdb\b|\bmysqladmin\b.*\bdrop\b|dropDatabase\()", "drops a database"},
    {R"((?i)\bdrop\s+(table|column|index|view|type|extension|role|user)\b)", "drops a part of the schema"},
    {R"((?i)\btruncate\s+(table\s+)?["'\w.]+)", "empties a table"},
    {R"((?i)\bdelete\s+from\b)", "deletes rows"},
    {R"(\brm\s+(-\w+\s+)*-\w*[rRf])", "deletes files"},
    {R"((?i)\b(rmdir|rd)\s+/s|\bdel\s+/|remove-item\b.*-(recurse|force))", "deletes files"},
    {R"(\bfind\b.*\s-delete\b|\bshred\b|\bmkfs|\bdd\b.*\bof=)", "deletes files"},
    {R"(\bgit\b.*\breset\b.*--hard|\bgit\b.*\bclean\s+-\w*f|\bgit\b.*\bcheckout\s+(--\s+)?\.(\s|$))",
     "throws away changes of the checkout"},
    {R"(\bgit\b.*\bpush\b.*(\s--force|\s-f\b|\s\+\S+:))", "overwrites a branch at the remote"},
    {R"(\bgit\b.*\b(branch\s+-D|push\b.*\s--delete|tag\s+-d))", "deletes a branch or a tag"},
    {R"(\bpg_restore\b.*(\s--clean|\s-\w*c\b))", "drops what it restores over"},
    {R"(\bdocker\b.*\b(volume\s+(rm|prune)|system\s+prune|rmi\b|image\s+prune|container\s+prune))",
     "deletes images or volumes"},
    {R"(\bdocker[- ]compose\b.*\bdown\b.*(\s-v\b|\s--volumes))", "deletes volumes"},
    {R"(\bkubectl\b.*\bdelete\b|\boc\b.*\bdelete\b|\bkubectl\b.*\breplace\b.*--force)", "deletes from the cluster"},
    {R"(\bhelm\b.*\b(uninstall|delete)\b)", "uninstalls a release"},
    {R"(\bterraform\b.*\bdestroy\b|\bpulumi\b.*\bdestroy\b|\bcdk\b.*\bdestroy\b)", "destroys infrastructure"},
    {R"(\baws\b.*\b(s3\s+(rm|rb)|(delete|terminate|deregister)-[\w-]+)|\bgcloud\b.*\bdelete\b|\baz\b.*\bdelete\b)",
     "deletes in the cloud"},
    {R"((?i)\bflush(all|db)\b)", "empties redis"},
    {R"(\b(db:(drop|reset|purge)|migrate:(fresh|reset)|migrate\s+reset|db\s+push\s+.*--force-reset)|\balembic\b.*\bdowngrade\s+base)",
     "rebuilds the schema from nothing"},
    {R"(\b(celery\b.*\bpurge|rabbitmqctl\b.*\b(purge|delete))", "throws away jobs"},
    {R"(\b(manage\.py\s+(flush|reset_db))", "empties the database"},
    {R"(\b(restore|load)[\w.-]*\b.*(--i-know|--force|--overwrite|overwrite))", "overwrites what is there"},
    {R"((?i)\brestore\b)", "overwrites what is there"},
    {R"(\b(shutdown|reboot|halt|poweroff)\b)", "stops the machine"},
    {R"(\bpg_resetwal\b|\bpg_terminate_backend\b)", "cuts connections or logs of the database"}};

}  // namespace

std::optional<std::string> danger_of(std::string_view command) {
  static const auto ways = [] {
    std::vector<std::pair<Pattern, const char*>> compiled;
    for (const Way& way : kWays)
      if (auto pattern = Pattern::compile(way.expression)) compiled.emplace_back(*std::move(pattern), way.what);
    return compiled;
  }();
  std::string line(command);
  for (char& c : line)
    if (c == '\n') c = ' ';
  for (const auto& [pattern, what] : ways)
    if (pattern.found_in(line)) return what;
  return std::nullopt;
}

}  // namespace backout::import
