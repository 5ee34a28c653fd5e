// Descriptor: a file descriptor that is closed with its owner. Every one we make is close-on-exec. Moves, never copies.
#pragma once
#include <unistd.h>

#include <string_view>
#include <utility>

#include "base/result.h"

namespace backout::os {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      close();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }
  ~Descriptor() { close(); }

  int get() const { return number_; }
  bool is_open() const { return number_ >= 0; }
  void close() {
    if (number_ >= 0) ::close(number_);
    number_ = -1;
  }

 private:
  int number_ = -1;
};

struct Pipe {
  Descriptor read, write;
};
/// A pipe whose ends are never 0, 1 or 2, so that they can be moved there in a child without treading on each other.
Result<Pipe> make_pipe();
/// A file in memory that nobody else can name, never 0, 1 or 2, to be read from its beginning.
Result<Descriptor> in_memory(std::string_view text);
/// Reads on it return at once from now on.
void set_nonblocking(const Descriptor& descriptor);

}  // namespace backout::os
