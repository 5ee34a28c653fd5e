#include "import/source_lines.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace backout::import {
namespace {

struct Magic {
  std::string_view begins, what;
};
constexpr Magic kMagics[] = {{"\x89PNG", "a PNG picture"},
                             {"\xFF\xD8\xFF", "a JPEG picture"},
                             {"GIF8", "a GIF picture"},
                             {"%PDF-", "a PDF; export it as Markdown or text"},
                             {"\x7F"
                              "ELF",
                              "a program"},
                             {"PK\x03\x04", "a ZIP archive or an office document; export it as Markdown or text"},
                             {"\x1F\x8B", "a gzip archive"},
                             {"SQLite format 3", "a database"},
                             {"PGDMP", "a backup of a database"},
                             {"\xFF\xFE", "UTF-16; save it as UTF-8"},
                             {"\xFE\xFF", "UTF-16; save it as UTF-8"}};

/// First lines and endings of names that only programs, data and settings have.
constexpr std::string_view kSourceNames[] = {
    ".c",    ".cc",   ".cpp", ".h",    ".hpp", ".py", ".js",  ".ts",  ".tsx",  ".jsx",  ".go",  ".rs",
    ".java", ".kt",   ".rb",  ".php",  ".cs",  ".pl", ".lua", ".sql", ".json", ".yaml", ".yml", ".toml",
    ".xml",  ".html", ".css", ".scss", ".ini", ".sh", ".ps1", ".tf",  ".csv",  ".log",  ".lock"};
constexpr std::string_view kSourceStarts[] = {"#!/", "<?php", "<?xml", "<!DOCTYPE html", "<html", "package main"};

Error not_a_runbook(const std::string& file, const std::string& why) {
  return {Code::kInvalid, fmt::format("{} is not a runbook: {}", one_line(shortened(file, 200)), why),
          "give a Markdown file with the steps of a rollback: backout import RUNBOOK.md"};
}

bool has_name_of_source(const std::string& file) {
  std::string small = file;
  std::transform(small.begin(), small.end(), small.begin(), [](unsigned char c) { return std::tolower(c); });
  return std::any_of(std::begin(kSourceNames), std::end(kSourceNames),
                     [&](std::string_view ending) { return small.ends_with(ending); });
}

/// Lines of C, Java, JavaScript and the like end with these; those of a text hardly ever.
bool reads_as_source(const std::vector<Line>& lines) {
  size_t said = 0, source = 0;
  bool fenced = false;
  for (const Line& line : lines) {
    const std::string_view text = trimmed(line.text);
    if (text.starts_with("```") || text.starts_with("~~~")) fenced = !fenced;
    if (text.empty() || fenced) continue;
    ++said;
    if (text.ends_with(';') || text.ends_with('{') || text.ends_with('}') || text.ends_with("},") ||
        text.starts_with("#include") || text.starts_with("//"))
      ++source;
  }
  return said >= 4 && source * 2 > said;
}

std::optional<std::string> what_else(std::string_view bytes) {
  for (const Magic& magic : kMagics)
    if (bytes.starts_with(magic.begins)) return fmt::format("it is {}", magic.what);
  if (bytes.find('\0') != std::string_view::npos) return "it is not text: there are zero bytes in it";
  const auto odd = std::count_if(bytes.begin(), bytes.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != '\x1b') ||
           c == '\x7f';
  });
  if (static_cast<size_t>(odd) * 50 > bytes.size()) return "it is not text";
  return std::nullopt;
}

}  // namespace

Result<std::vector<Line>> source_lines(std::string_view bytes, const std::string& file, size_t limit) {
  if (bytes.size() > limit)
    return not_a_runbook(
        file, fmt::format("it has {}; {} are read at most", bytes_for_people(bytes.size()), bytes_for_people(limit)));
  if (const auto what = what_else(bytes)) return not_a_runbook(file, *what);
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  if (trimmed(bytes).empty()) return not_a_runbook(file, "it is empty");
  if (has_name_of_source(file)) return not_a_runbook(file, "by its name it is a program, data or settings");
  for (const std::string_view start : kSourceStarts)
    if (bytes.starts_with(start)) return not_a_runbook(file, "it is a program, or a page of HTML");

  std::vector<Line> lines;
  size_t at = 0;
  while (at < bytes.size()) {
    const size_t end = std::min(bytes.find_first_of("\r\n", at), bytes.size());
    std::string text = replaced(sanitised(bytes.substr(at, end - at)), "\xC2\xA0", " ");  // no-break space
    lines.push_back({static_cast<int>(lines.size()) + 1, std::move(text)});
    at = end + (bytes.substr(end).starts_with("\r\n") ? 2 : 1);
  }
  size_t replacements = 0, size = 1;
  for (const Line& line : lines) {
    size += line.text.size();
    for (size_t found = line.text.find("\xEF\xBF\xBD"); found != std::string::npos;
         found = line.text.find("\xEF\xBF\xBD", found + 3))
      ++replacements;
  }
  if (replacements * 3 * 10 > size) return not_a_runbook(file, "it is not text in UTF-8");
  if (reads_as_source(lines)) return not_a_runbook(file, "it reads as a program");
  return lines;
}

}  // namespace backout::import
