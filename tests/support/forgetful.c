/* forgetful: a file layer that remembers only what was synced, for power cuts in tests. LD_PRELOAD it into everything.
 *
 * FORGETFUL_ROOT   the directory it watches: absolute, without symlinks
 * FORGETFUL_STORE  where the durable image is kept: outside the root, on any file system; made by `powercut.py arm`
 *
 * The live files are what the programs see. Beside them the store holds what a disk would hold: for each file its bytes
 * as of its last fsync or fdatasync, for each directory its entries as of its last fsync. sync() and syncfs() make
 * everything durable. `powercut.py cut` rebuilds the root from the store. Nothing else needs to be caught: a write,
 * rename or unlink that nobody synced is simply not in the store.
 *
 * Stricter than most disks: syncing a file does not make its name durable, and a file moved between directories is
 * durable under neither name once the old directory alone was synced. Memory maps count as unsynced, whatever msync
 * says.
 *
 * An inode is named "<inode>-<birth time>", so a number that the file system uses again is not taken for the old file.
 * Store: files/<inode> the bytes (with the mode); dirs/<inode> one line an entry: type inode mode name [target], where
 * name and target are hex; log one line a sync (kind inode path), for tests that ask whether something was synced at
 * all. A copy goes beside and is renamed, under one flock, so that an older copy never replaces a newer one. Built
 * without sanitizers and without C++: it lives inside sh, mv, sqlite and python. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { kName = 80 };

static const char* root_directory(void) { return getenv("FORGETFUL_ROOT"); }
static const char* store_directory(void) { return getenv("FORGETFUL_STORE"); }
static int armed(void) { return root_directory() != NULL && store_directory() != NULL; }

static void fail(const char* what, const char* path) {
  /* A layer that cannot remember must not let a test pass. */
  dprintf(2, "forgetful: %s %s: %s\n", what, path, strerror(errno));
  abort();
}

static int inside(const char* path) {
  const char* root = root_directory();
  size_t length = strlen(root);
  return strncmp(path, root, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static int inode_name(int directory, const char* path, int flags, char* name, struct statx* status) {
  if (statx(directory, path, flags, STATX_BASIC_STATS | STATX_BTIME, status) != 0) return -1;
  snprintf(name, kName, "%llu-%lld.%09u", (unsigned long long)status->stx_ino, (long long)status->stx_btime.tv_sec,
           status->stx_btime.tv_nsec);
  return 0;
}

static int take_lock(void) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/lock", store_directory());
  int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0 || flock(lock, LOCK_EX) != 0) fail("lock", path);
  return lock;
}

static void note(const char* kind, const char* inode, const char* live) {
  char path[PATH_MAX], line[PATH_MAX + 128];
  snprintf(path, sizeof path, "%s/log", store_directory());
  int length = snprintf(line, sizeof line, "%s %s %s\n", kind, inode, live);
  int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0 || write(log, line, (size_t)length) != length) fail("log", path);
  close(log);
}

static void remember_file(const char* live) {
  char name[kName], beside[PATH_MAX], final[PATH_MAX];
  struct statx status;
  int in = open(live, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (in < 0) {
    if (errno == ENOENT) return; /* unlinked meanwhile: nothing of it can come back */
    fail("read", live);
  }
  if (inode_name(in, "", AT_EMPTY_PATH, name, &status) != 0) fail("stat", live);
  snprintf(beside, sizeof beside, "%s/files/.new", store_directory());
  snprintf(final, sizeof final, "%s/files/%s", store_directory(), name);
  int out = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (out < 0) fail("write", beside);
  ssize_t copied;
  while ((copied = sendfile(out, in, NULL, 1 << 20)) > 0) {
  }
  if (copied < 0 || fchmod(out, status.stx_mode & 07777) != 0) fail("copy", live);
  close(out);
  close(in);
  if (rename(beside, final) != 0) fail("rename", final);
  note("file", name, live);
}

static void put_hex(FILE* out, const char* text) {
  for (; *text != '\0'; ++text) fprintf(out, "%02x", (unsigned char)*text);
}

static void remember_directory(const char* live) {
  char name[kName], beside[PATH_MAX], final[PATH_MAX], target[PATH_MAX];
  struct statx status;
  DIR* entries = opendir(live);
  if (entries == NULL) {
    if (errno == ENOENT) return;
    fail("list", live);
  }
  if (inode_name(dirfd(entries), "", AT_EMPTY_PATH, name, &status) != 0) fail("stat", live);
  snprintf(beside, sizeof beside, "%s/dirs/.new", store_directory());
  snprintf(final, sizeof final, "%s/dirs/%s", store_directory(), name);
  FILE* out = fopen(beside, "we");
  if (out == NULL) fail("write", beside);
  for (struct dirent* entry; (entry = readdir(entries)) != NULL;) {
    char inode[kName];
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (inode_name(dirfd(entries), entry->d_name, AT_SYMLINK_NOFOLLOW, inode, &status) != 0)
      continue; /* gone meanwhile */
    int type = S_ISREG(status.stx_mode) ? 'f' : S_ISDIR(status.stx_mode) ? 'd' : S_ISLNK(status.stx_mode) ? 'l' : 'o';
    fprintf(out, "%c %s %o ", type, inode, status.stx_mode & 07777U);
    put_hex(out, entry->d_name);
    if (type == 'l') {
      ssize_t length = readlinkat(dirfd(entries), entry->d_name, target, sizeof target - 1);
      target[length < 0 ? 0 : length] = '\0';
      fputc(' ', out);
      put_hex(out, target);
    }
    fputc('\n', out);
  }
  if (fclose(out) != 0 || rename(beside, final) != 0) fail("write", final);
  closedir(entries);
  note("dir", name, live);
}

static void remember_everything(const char* live) {
  DIR* entries = opendir(live);
  if (entries == NULL) return;
  for (struct dirent* entry; (entry = readdir(entries)) != NULL;) {
    char path[PATH_MAX];
    struct stat status;
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    snprintf(path, sizeof path, "%s/%s", live, entry->d_name);
    if (lstat(path, &status) != 0) continue;
    if (S_ISDIR(status.st_mode)) remember_everything(path);
    if (S_ISREG(status.st_mode)) remember_file(path);
  }
  closedir(entries);
  remember_directory(live);
}

static void remember_descriptor(int descriptor) {
  char link[64], live[PATH_MAX];
  struct stat status;
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, live, sizeof live - 1);
  if (length <= 0) return;
  live[length] = '\0';
  if (!inside(live) || fstat(descriptor, &status) != 0 || status.st_nlink == 0) return;
  int lock = take_lock();
  if (S_ISDIR(status.st_mode)) remember_directory(live);
  if (S_ISREG(status.st_mode)) remember_file(live);
  close(lock);
}

static void remember_root(void) {
  int lock = take_lock();
  remember_everything(root_directory());
  close(lock);
}

/* The real call is skipped: the disk under a test need not spin, and the store is the disk. */
static int synced_descriptor(int descriptor) {
  const int kept = errno;
  if (fcntl(descriptor, F_GETFD) < 0) return -1;
  remember_descriptor(descriptor);
  errno = kept;
  return 0;
}

int fsync(int descriptor) { return armed() ? synced_descriptor(descriptor) : (int)syscall(SYS_fsync, descriptor); }
int fdatasync(int descriptor) {
  return armed() ? synced_descriptor(descriptor) : (int)syscall(SYS_fdatasync, descriptor);
}

int syncfs(int descriptor) {
  if (!armed()) return (int)syscall(SYS_syncfs, descriptor);
  remember_root();
  return 0;
}

void sync(void) {
  if (armed())
    remember_root();
  else
    syscall(SYS_sync);
}
