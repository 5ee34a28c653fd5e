#include "init/facts.h"

#include <algorithm>

namespace backout::init {
namespace {

bool is_part_of_a_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.' || c == '@';
}

bool names(std::string_view text, std::string_view directory) {
  if (directory.size() < 2) return false;
  for (size_t at = text.find(directory); at != std::string_view::npos; at = text.find(directory, at + 1)) {
    const size_t end = at + directory.size();
    const bool begins = at == 0 || (!is_part_of_a_name(text[at - 1]) && text[at - 1] != '/');
    if (begins && (end == text.size() || !is_part_of_a_name(text[end]))) return true;
  }
  return false;
}

}  // namespace

bool mentions(const Facts& facts, std::string_view text) {
  return names(text, facts.directory) || std::any_of(facts.aliases.begin(), facts.aliases.end(),
                                                     [&](const std::string& alias) { return names(text, alias); });
}

const std::string* project_text(const Facts& facts, const std::string& path) {
  const auto found = facts.project.find(path);
  return found == facts.project.end() ? nullptr : &found->second;
}

bool has_file(const Facts& facts, std::string_view path) {
  return std::binary_search(facts.tree.begin(), facts.tree.end(), path);
}

}  // namespace backout::init
