// Routes: "GET /orders/8431/items?page=2" is one of a bounded number of groups, here "GET /orders/{id}/items".
//
// What is folded: numbers, UUIDs, hexadecimal digests and long tokens, within a segment too ("invoice-20250114.pdf" is
// "invoice-{id}.pdf"); the query is dropped. A pattern that the user gave wins, the first that fits: a segment ":id",
// "{id}" or "*" is any one, "**" at the end is all the rest; a method in front ("POST /pay/*") must be the same.
// Answers 404 and 405 to what is not known as a route are "other", so that a scanner does not fill the table.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace backout::watch {

class RoutePattern {
 public:
  /// kInvalid: no slash in front, "**" not at the end, too long.
  static Result<RoutePattern> parse(std::string_view text);
  bool fits(std::string_view method, std::string_view path) const;
  const std::string& text() const { return text_; }

 private:
  std::string text_, method_;          // method_ empty: any
  std::vector<std::string> segments_;  // empty text: any one
  bool rest_ = false;
};

/// A route that was folded: "GET /a/7/b" -> "GET /a/{id}/b". At most 120 bytes, printable; text in place.
class FoldedRoute {
 public:
  FoldedRoute(std::string_view method, std::string_view path);
  std::string_view text() const { return {text_.data(), size_}; }

 private:
  void put(char c) {
    if (size_ < text_.size()) text_[size_++] = c;
  }
  void put(std::string_view text) {
    for (const char c : text) put(c);
  }
  void put_segment(std::string_view segment);

  std::array<char, 120> text_;
  size_t size_ = 0;
};
/// The path of a request target: without query and fragment, and without "http://host" in front.
std::string_view path_of(std::string_view target);

class Routes {
 public:
  using Id = uint16_t;
  static constexpr Id kOther = 0, kIgnored = 0xffff;
  static constexpr size_t kMost = 256;

  Routes(std::vector<RoutePattern> patterns, std::vector<RoutePattern> ignored, uint64_t seed);

  /// The group of a request line without its protocol, "GET /x?y", or of method and target apart. `status` says whether
  /// a new route may come of it.
  Id of_request(std::string_view request, int status);
  Id of(std::string_view method, std::string_view target, int status);

  size_t size() const { return names_.size(); }
  const std::string& name(Id id) const { return names_[id]; }
  /// A route that an earlier process knew; ids are given in order.
  Id known(const std::string& name);

 private:
  Id slow(std::string_view method, std::string_view path, int status, bool& keep);
  uint64_t key_of(std::string_view request) const;
  Id remembered(uint64_t hash, std::string_view method, std::string_view path, int status);
  Id find(std::string_view name) const;
  Id found_or_new(std::string_view name);

  struct Recent {
    uint64_t hash = 0;
    Id id = 0;
  };
  std::vector<RoutePattern> patterns_, ignored_;
  uint64_t seed_;
  bool numbers_matter_ = false;      // a pattern names one
  std::vector<std::string> names_;   // [kOther] is "other"
  std::array<Id, 4 * kMost> ids_{};  // by the hash of their names, open addressing; 0: free
  std::vector<Recent> recent_;       // by the lowest bits of the hash of what was asked
};

}  // namespace backout::watch
