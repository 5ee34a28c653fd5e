// SmallDisk: for tests only. A file system of its own that fills up soon, or that nobody can write to.
#pragma once
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <string>

#include "os/file.h"
#include "os/process.h"

namespace backout::host {

/// A file system of a few pages, when we may mount one.
class SmallDisk {
 public:
  explicit SmallDisk(const std::string& path) : path_(path) {
    (void)os::make_directories(path_);
    mounted_ = mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=128k,mode=0700") == 0;
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    if (mounted_ && umount(path_.c_str()) != 0) umount2(path_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  /// From now on nobody can write there.
  void make_read_only() const { EXPECT_EQ(mount(nullptr, path_.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0); }
  /// Takes every byte that is left.
  void fill() const { (void)os::run_process({.argv = {"dd", "if=/dev/zero", "of=" + path_ + "/filler", "bs=4096"}}); }

 private:
  std::string path_;
  bool mounted_ = false;
};

}  // namespace backout::host
