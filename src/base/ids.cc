#include "base/ids.h"

#include <openssl/rand.h>

#include "base/check.h"

namespace backout {
std::string random_hex(int bytes) {
  unsigned char raw[64];
  BACKOUT_CHECK(bytes > 0 && bytes <= 64 && RAND_bytes(raw, bytes) == 1, "no randomness");
  std::string text;
  for (int i = 0; i < bytes; ++i) text += fmt::format("{:02x}", raw[i]);
  return text;
}
}  // namespace backout
