// What people write into a report, and how it survives the report being made again.
//
// A report holds one block for each section: a comment that begins it, the text, a comment that ends it. The first
// names a hash of the text that this program put there. Made again, a block whose text is still that one gets today's;
// one that a person changed is kept as it is; when both sides have changed, nothing is written. Comments are the same
// in Markdown and in HTML. Pure.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace backout::record {

struct Section {
  std::string_view key, title;
};
/// In the order of a report: impact, root-cause, lessons, actions, public.
const std::vector<Section>& people_sections();
bool is_people_section(std::string_view key);

/// A block with the text of this program in it. `text` ends with a newline.
std::string people_block(std::string_view key, const std::string& text);

/// `made`, with the text that people wrote into `before` in its blocks. `before` empty: `made` as it is. kRefused,
/// naming section and line, when a marker of `before` is damaged, when both sides have new text, or when `before` is no
/// report.
Result<std::string> with_peoples_text(const std::string& made, const std::string& before);

/// Whether `before` has lines that are not in `page`, which is to take its place: what people wrote beside the blocks,
/// or facts that have changed; the two cannot be told apart. Blocks that with_peoples_text carries over do not count.
bool loses_lines(const std::string& page, const std::string& before);

}  // namespace backout::record
