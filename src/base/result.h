// Result<T>: a value or an Error. A [[nodiscard]] class around tl::expected, with the same member names as
// std::expected, so that a later switch is a rename. Reading the value of an error aborts (a broken invariant, see
// check.h).
#pragma once
#include <tl/expected.hpp>
#include <type_traits>
#include <utility>

#include "base/check.h"
#include "base/error.h"

namespace backout {

template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result() requires std::is_void_v<T>
  = default;
  template <class U = T>
  requires(!std::is_void_v<T> && std::is_constructible_v<T, U&&> && !std::is_same_v<std::remove_cvref_t<U>, Error> &&
           !std::is_same_v<std::remove_cvref_t<U>, Result>) Result(U&& value)
      : held_(std::forward<U>(value)) {}                          // NOLINT: implicit on purpose, as std::expected
  Result(Error error) : held_(tl::unexpect, std::move(error)) {}  // NOLINT: implicit on purpose

  bool has_value() const { return held_.has_value(); }
  explicit operator bool() const { return has_value(); }

  auto& value() & { return check(), *held_; }
  const auto& value() const& { return check(), *held_; }
  std::add_rvalue_reference_t<T> value() && requires(!std::is_void_v<T>) {
    check();
    return std::move(*held_);
  }
  auto& operator*() & { return value(); }
  const auto& operator*() const& { return value(); }
  auto&& operator*() && requires(!std::is_void_v<T>) { return std::move(*this).value(); }
  auto* operator->() { return &value(); }
  const auto* operator->() const { return &value(); }
  template <class U>
  T value_or(U&& other) const& {
    return has_value() ? *held_ : static_cast<T>(std::forward<U>(other));
  }

  const Error& error() const& { return held_.error(); }
  Error&& error() && { return std::move(held_.error()); }
  Error& error() & { return held_.error(); }

  /// The same result; an error gets "what: " in front.
  Result with_context(std::string_view what) && {
    if (!has_value()) return std::move(held_.error()).with_context(what);
    return std::move(*this);
  }

 private:
  void check() const { BACKOUT_CHECK(held_.has_value(), held_.error().message); }
  tl::expected<T, Error> held_;
};

}  // namespace backout

// TRY(expr): the value of a Result, or return its error from here. TRY_VOID for Result<void>. The counter keeps the
// name of a TRY inside a TRY (an argument, a lambda's body) from hiding the outer one's. Not inside a braced list
// behind other elements: g++ 12 leaks those when the TRY returns. Name the value first.
#define BACKOUT_JOINED_(a, b) a##b
#define BACKOUT_JOINED(a, b) BACKOUT_JOINED_(a, b)
#define BACKOUT_TRY(name, expr)                \
  __extension__({                              \
    auto name = (expr);                        \
    if (!name) return std::move(name).error(); \
    std::move(name).value();                   \
  })
#define BACKOUT_TRY_VOID(name, expr)           \
  do {                                         \
    auto name = (expr);                        \
    if (!name) return std::move(name).error(); \
  } while (false)
#define TRY(...) BACKOUT_TRY(BACKOUT_JOINED(try_result_, __COUNTER__), (__VA_ARGS__))
#define TRY_VOID(...) BACKOUT_TRY_VOID(BACKOUT_JOINED(try_result_, __COUNTER__), (__VA_ARGS__))
