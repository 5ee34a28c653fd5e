#include "drivers/code/changes.h"

#include <fnmatch.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "drivers/code/checkout_scripts.h"
#include "drivers/command/arguments.h"

namespace backout::drivers::checkout {
namespace {

constexpr size_t kFilesNamed = 10;

/// As code.ignore is read elsewhere: a path, a directory, or a name anywhere, with * in them.
bool matches(const std::string& pattern, const std::string& file) {
  std::string below;
  for (const std::string& part : split(file, '/')) {
    below += (below.empty() ? "" : "/") + part;
    if (::fnmatch(pattern.c_str(), below.c_str(), 0) == 0 || ::fnmatch(pattern.c_str(), part.c_str(), 0) == 0)
      return true;
  }
  return false;
}

bool is_in(const Json& list, const std::string& text) {
  return list.is_array() && std::find(list.begin(), list.end(), Json(text)) != list.end();
}

bool is_left_out(const Json& args, const std::string& path, const std::string& file) {
  if (is_in(get(args, "config"), path + "/" + file)) return true;
  for (const Json& pattern : get(args, "ignore"))
    if (pattern.is_string() && matches(pattern.get<std::string>(), file)) return true;
  return false;
}

/// In single quotes for a shell, when that is needed.
std::string quoted(const std::string& word) {
  if (word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/+-@") ==
      std::string::npos)
    return word;
  return "'" + replaced(word, "'", "'\\''") + "'";
}

}  // namespace

std::vector<std::string> files_in(const Facts& facts, std::string_view key, const Json& args, const std::string& path) {
  std::vector<std::string> files;
  for (const std::string& line : facts.all(key)) {
    std::string file(key == "changed" ? trimmed(line.substr(std::min<size_t>(2, line.size()))) : line);
    if (!is_left_out(args, path, file)) files.push_back(std::move(file));
  }
  return files;
}

bool is_known(const Json& args, const std::string& file) {
  return is_in(get(args, "known"), file) || is_in(get(get(args, "noted"), "changed"), file);
}

std::string first_of(const std::vector<std::string>& files) {
  std::vector<std::string> named;
  for (const std::string& file : files)
    if (named.size() < kFilesNamed) named.push_back(shortened(one_line(file), 80));
  std::string words = join(named, ", ");
  if (files.size() > named.size()) words += fmt::format(" and {} more", files.size() - named.size());
  return words;
}

std::string get_back(const std::string& path, const std::string& ref, const std::string& file) {
  return "git -C " + quoted(path) + " checkout " + ref + " -- " + quoted(one_line(file));
}

Json changes_of_before(const std::string& path, const std::string& version, const std::string& user, const Json& args,
                       host::Host& host) {
  Json sentences = Json::array();
  const auto facts = look(host, in_checkout(kKeptChanges), {path, version}, user, {});
  if (!facts) return sentences;
  std::map<std::string, std::vector<std::string>> files;  // by ref
  for (const std::string& line : facts->all("by-hand")) {
    const size_t space = line.find(' ');
    if (space == std::string::npos) continue;
    std::string file = line.substr(space + 1);
    if (!is_left_out(args, path, file)) files[line.substr(0, space)].push_back(std::move(file));
  }
  for (const auto& [ref, changed] : files)
    sentences.push_back(
        fmt::format("{} had changes by hand in {}{} that do not come back by themselves: {}; kept as "
                    "{}; one back: {}",
                    version, path, host.is_local() ? "" : " on " + host.name().str(), first_of(changed), ref,
                    get_back(path, ref, changed.front())));
  return sentences;
}

Result<std::vector<std::string>> takes_away(const driver::Offering& offering, host::Host& host, std::stop_token stop) {
  const Json& subject = offering.subject;
  const std::string path = TRY(path_argument(subject, "path")), user = TRY(optional_text_argument(subject, "user"));
  std::vector<std::string> sentences;
  const Facts facts = TRY(look(host, in_checkout(kState), {path, ""}, user, std::move(stop)));
  std::vector<std::string> changed = files_in(facts, "changed", subject, path);
  const Json known = {{"known", get(offering.saved, "changed")}};
  std::erase_if(changed, [&](const std::string& file) { return is_known(known, file); });
  if (!changed.empty()) {
    sentences.push_back(fmt::format(
        "{} changed by hand in {}; kept as refs/backout/dirty-RUN there, and {} runs "
        "without:",
        changed.size() == 1 ? "1 file is" : std::to_string(changed.size()) + " files are", path, offering.to.str()));
    for (size_t i = 0; i < std::min(changed.size(), kFilesNamed); ++i)
      sentences.push_back("- " + shortened(one_line(changed[i]), 100));
    if (changed.size() > kFilesNamed) sentences.push_back(fmt::format("- and {} more", changed.size() - kFilesNamed));
  }
  for (const Json& each : changes_of_before(path, offering.to.str(), user, subject, host))
    sentences.push_back(each.get<std::string>());
  return sentences;
}

}  // namespace backout::drivers::checkout
