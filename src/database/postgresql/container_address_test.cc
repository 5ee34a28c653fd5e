#include "database/postgresql/container_address.h"

#include <gtest/gtest.h>

namespace backout::postgresql {
namespace {

TEST(ContainerAddress, is_asked_for_where_a_container_is_named_and_nowhere_else) {
  for (const char* other : {"", "service=shop", "host=db.internal user=shop", "host=db options='compose:a/b'"}) {
    const auto address = container_address({other});
    ASSERT_TRUE(address) << other;
    EXPECT_EQ(*address, "") << other;
  }
}

TEST(ContainerAddress, what_cannot_be_a_project_and_a_service_is_refused) {
  for (const char* bad : {"host=compose:db", "host=compose:/db", "host=compose:shop/", "host=compose:a/b/c",
                          "host='compose:a b/c'", "host=compose:shop/-f"}) {
    const auto address = container_address({bad});
    ASSERT_FALSE(address) << bad;
    EXPECT_EQ(address.error().code, Code::kInvalid) << bad;
  }
}

}  // namespace
}  // namespace backout::postgresql
