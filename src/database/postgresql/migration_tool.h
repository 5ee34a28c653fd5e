// MigrationTool: how a team's migrator is asked what is applied and what undoing a migration would do, how it is told
// to undo one, and what its words mean. Pure: argv in, what it printed out. migration_calls.h runs it.
//
// What is applied is always read from the table in which the tool notes it; the tool's own list is asked only for
// whether it looks at the same database.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace backout::postgresql {

class Connection;
class MigrationCalls;

/// One migration to be undone.
struct Down {
  std::string name;                // as the tool's table has it: "shop.0004_gift", "20240501120000"
  std::string before;              // what the tool is to go back to; empty: the very beginning
  std::vector<std::string> after;  // what the table must note afterwards, sorted
  std::string sql = {};            // what undoing it does, when that can be shown; of tools without a down: what is run
  bool by_us = false;              // `sql` is run by backout: the tool has no down
  std::string file = {};           // where its code lies, when it cannot be shown
  std::string up = {};             // the SQL that brought it, where that is at hand: not kept, only weighed
};
Json to_json(const Down& down);
Down down_from_json(const Json& value);

/// What the tool's own list says.
struct Listed {
  std::vector<std::string> applied, pending;  // sorted
};

using Argv = std::vector<std::string>;

struct MigrationTool {
  std::string_view kind;      // "django", as in backout.yaml
  std::string_view books;     // as schema/postgresql/migrators.h calls it; empty: it has no table that we know
  std::string_view in_order;  // SQL: what is applied, oldest first; %T is the table. Empty: said by the tool
  /// argv of its list; nothing: it has none that asks the database.
  Argv (*list)(const Json& how);
  Result<Listed> (*listed)(const std::string& out);
  /// argv that prints the SQL of a down; empty: cannot be shown.
  Argv (*show)(const Json& how, const Down& down);
  Argv (*down)(const Json& how, const Down& down);
  /// Words in what it prints when a migration cannot be undone.
  std::vector<std::string> irreversible;
  std::string_view mend;  // what to do with one that failed midway, in words
  std::vector<std::pair<std::string_view, std::string_view>> environment = {};  // where nobody said otherwise
  /// argv as near to `down` as can be that changes nothing, whatever database it goes to; nothing: it has none.
  Argv (*harmless)(const Json& how, const Down& down) = nullptr;
  /// Instead of `books` and `in_order`: what is applied, oldest first.
  Result<std::vector<std::string>> (*noted)(const MigrationCalls& calls, Connection& connection) = nullptr;
  /// Instead of `show`: fills in `sql` or `file`; kRefused: it is irreversible, and why.
  Result<void> (*prepare_down)(const MigrationCalls& calls, const std::string& database, Down& down) = nullptr;
  /// Instead of came_since(): of tools that note no list.
  Result<std::vector<Down>> (*came)(const MigrationCalls& calls, Connection& connection,
                                    const std::vector<std::string>& then,
                                    const std::vector<std::string>& now) = nullptr;
};
/// A command as a user writes it, with arguments behind it.
Argv user_words(const std::string& command, std::vector<std::string> arguments);
/// kInvalid: there is no such tool.
Result<const MigrationTool*> find_tool(std::string_view kind);

/// `then` (a checkpoint) and `now`, in the order in which they were applied: what came since, newest first. Each Down
/// has name, before and after. kRefused: something that was applied then is not any more.
Result<std::vector<Down>> came_since(const MigrationTool& tool, const std::vector<std::string>& then,
                                     const std::vector<std::string>& now);

/// Why the tool's list does not show what the table notes; empty: it does. Names that the code does not know do not
/// count, unless they are to be undone.
std::string why_not_same(const Listed& listed, const std::vector<std::string>& noted, const std::vector<Down>& downs);

/// Comments and empty lines taken out; for a look at whether anything is left.
std::string without_comments(const std::string& sql);

}  // namespace backout::postgresql
