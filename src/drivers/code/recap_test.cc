#include "drivers/code/recap.h"

#include <gtest/gtest.h>

namespace backout::drivers {
namespace {

// As ansible-playbook of ansible-core 2.14 prints it; the second with ANSIBLE_FORCE_COLOR.
constexpr const char* kGood = R"(
PLAY [web] *********************************************************************

TASK [deploy] ******************************************************************
changed: [web-1]
ok: [web-2]

PLAY RECAP *********************************************************************
web-1                      : ok=2    changed=1    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0   
web-2                      : ok=2    changed=0    unreachable=0    failed=0    skipped=1    rescued=0    ignored=1   

)";
constexpr const char* kBad =
    "PLAY RECAP *********\n"
    "\x1b[0;31mweb-1\x1b[0m                      : \x1b[0;32mok=1   \x1b[0m changed=0    unreachable=0    "
    "\x1b[0;31mfailed=1   \x1b[0m skipped=0    rescued=0    ignored=0   \n"
    "\x1b[1;31mweb-2\x1b[0m                      : ok=0    changed=0    \x1b[1;31munreachable=1   \x1b[0m failed=0    "
    "skipped=0    rescued=0    ignored=0   \r\n";

TEST(AnsibleRecap, counts_by_host) {
  const Recap recap = ansible_recap(kGood);
  ASSERT_EQ(recap.size(), 2U);
  EXPECT_EQ(recap.at("web-1").at("changed"), 1);
  EXPECT_EQ(recap.at("web-2").at("ignored"), 1);
  EXPECT_EQ(fault_of(recap), "");
}

TEST(AnsibleRecap, failed_and_unreachable_are_failures_whatever_the_exit_status) {
  EXPECT_EQ(fault_of(ansible_recap(kBad)), "web-1: failed=1; web-2: unreachable=1");
}

TEST(AnsibleRecap, hosts_are_told_apart) {
  const Recap mixed = ansible_recap(
      "PLAY RECAP *\n"
      "web-1 : ok=3    changed=2    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0   \n"
      "web-2 : ok=0    changed=0    unreachable=1    failed=0    skipped=0    rescued=0    ignored=0   \n"
      "web-3 : ok=3    changed=2    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0   \n");
  EXPECT_EQ(told_apart(mixed, {}), "web-2: unreachable=1; without fault: web-1, web-3");
  EXPECT_EQ(told_apart(ansible_recap(kGood), {"web-1", "web-2"}), "");
  EXPECT_EQ(told_apart(ansible_recap(kGood), {"web-1", "web-2", "web-3"}),
            "web-3 is not in it; without fault: web-1, web-2");
  EXPECT_EQ(told_apart(ansible_recap(kBad), {"db-1", "db-2"}),
            "web-1: failed=1; web-2: unreachable=1; db-1, db-2 are not in it");
}

TEST(AnsibleRecap, the_last_one_counts) {
  EXPECT_EQ(fault_of(ansible_recap(std::string(kBad) + kGood)), "");
  EXPECT_NE(fault_of(ansible_recap(std::string(kGood) + kBad)), "");
}

TEST(AnsibleRecap, what_is_none_or_was_cut_off_is_empty) {
  for (const char* output : {"", "make: done\n", "PLAY RECAP ****\n", "web-1 : ok=1 changed=0 unreachable=0 failed=0\n",
                             "PLAY RECAP ***\nweb-1 : ok=1 chan", "PLAY RECAP ***\nweb-1 : ok=x failed=0\n"})
    EXPECT_TRUE(ansible_recap(output).empty()) << output;
}

TEST(AnsibleRecap, a_row_that_cannot_be_read_is_no_success) {
  const std::string good = "PLAY RECAP *\nweb-1 : ok=1 changed=0 unreachable=0 failed=0\n";
  for (const char* row :
       {"web-2 : ok=1 changed=0 unreach", "web-2 : ok=1 changed=0 unreachable=0 failed=99999999999999999999\n",
        "web-2 : ok=1 changed=0 unreachable=0 failed=no\n"})
    EXPECT_EQ(told_apart(ansible_recap(good + row), {}), "web-2: unreadable=1; without fault: web-1") << row;
}

TEST(AnsibleRecap, an_ipv6_host_keeps_its_colons) {
  EXPECT_EQ(ansible_recap("PLAY RECAP *\nfe80::1 : ok=1 changed=0 unreachable=0 failed=0\n").begin()->first, "fe80::1");
}

}  // namespace
}  // namespace backout::drivers
