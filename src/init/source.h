// Source: looking things up in the texts of a project. Pure; lines are searched, languages are not parsed.
#pragma once
#include <string>
#include <string_view>

#include "init/facts.h"

namespace backout::init {

/// The file of that name that lies least deep, or empty.
std::string nearest_file(const Facts& facts, std::string_view name);
/// "config/settings.py", "shop/settings/production.py".
bool is_settings(std::string_view path);
/// Is a variable of that name set, at the beginning of a line?
bool assigned(std::string_view text, std::string_view name);
/// "cd backend && command", or the command when `below` is empty.
std::string in_directory(const std::string& below, const std::string& command);
/// A word of a shell command, quoted only when it must be.
std::string as_word(const std::string& word);

}  // namespace backout::init
