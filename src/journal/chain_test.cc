#include "journal/chain.h"

#include <gtest/gtest.h>

namespace backout::journal {
namespace {

StoredEvent sample() {
  return {.site = "shop/production",
          .seq = 1,
          .id = "00112233445566778899aabbccddeeff",
          .type = "note",
          .at_ms = 1772374931000,
          .boot_ms = 5000,
          .boot_id = "b",
          .actor = "dana",
          .run = "",
          .body = R"({"text":"hello"})",
          .prev = std::string(kFirstPrevious),
          .hash = ""};
}

TEST(Chain, HeaderBytesAreThoseTheFormatPromises) {
  EXPECT_EQ(header_bytes(sample()),
            R"({"actor":"dana","at_ms":1772374931000,"boot_id":"b","boot_ms":5000,)"
            R"("id":"00112233445566778899aabbccddeeff","run":"","seq":1,"site":"shop/production","type":"note"})");
}

TEST(Chain, HashIsSha256OfPrevHeaderAndBody) {
  // printf '%s' PREV HEADER BODY | sha256sum
  EXPECT_EQ(chain_hash(sample()), "873ae8b734faec5ae9d06440c8cb78a4fb741ec54c14c97fe4853488baefbc21");
}

TEST(Chain, EveryFieldIsUnderTheHash) {
  const std::string original = chain_hash(sample());
  std::vector<StoredEvent> changed(11, sample());
  changed[0].site += "x";
  changed[1].seq += 1;
  changed[2].id += "x";
  changed[3].type = "run_ended";
  changed[4].at_ms += 1;
  changed[5].boot_ms += 1;
  changed[6].boot_id += "x";
  changed[7].actor += "x";
  changed[8].run += "x";
  changed[9].body += " ";
  changed[10].prev[0] = '1';
  for (size_t i = 0; i < changed.size(); ++i) EXPECT_NE(chain_hash(changed[i]), original) << "field " << i;
}

TEST(Chain, BodiesAreMadeValidTextWithNewlinesKept) {
  EXPECT_EQ(body_bytes({{"b", "two\nlines\x1b[31m"}, {"a\x01", {1, "\xff"}}}),
            "{\"a\":[1,\"\xEF\xBF\xBD\"],\"b\":\"two\\nlines[31m\"}");
}

TEST(Chain, AnEventThatCannotBeReadIsNamed) {
  StoredEvent event = sample();
  event.body = "{";
  const auto result = parsed(event);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kCorrupt);
  EXPECT_NE(result.error().message.find("event 1 of shop/production"), std::string::npos) << result.error().message;
}

}  // namespace
}  // namespace backout::journal
