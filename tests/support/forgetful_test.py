#!/usr/bin/python3
"""The forgetful layer forgets what nobody synced, and nothing else.

    forgetful_test.py LIBRARY        (run by ctest)
"""
import os
import sqlite3
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

LIBRARY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else ""
POWERCUT = Path(__file__).with_name("powercut.py")


class Forgetful(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.root, self.store = Path(self.directory.name, "root"), Path(self.directory.name, "store")
        self.root.mkdir()

    def arm(self):
        subprocess.run([POWERCUT, "arm", self.root, self.store], check=True)

    def cut(self, *options):
        subprocess.run([POWERCUT, "cut", self.root, self.store, *options], check=True)

    def python(self, script):
        self.run_in_root(["/usr/bin/python3", "-c", script])

    def shell(self, script):
        self.run_in_root(["sh", "-ec", script])

    def run_in_root(self, argv):
        environment = {**os.environ, "LD_PRELOAD": LIBRARY, "FORGETFUL_ROOT": str(self.root), "FORGETFUL_STORE": str(self.store)}
        subprocess.run(argv, check=True, cwd=self.root, env=environment)

    def text(self, name):
        path = self.root / name
        return path.read_text() if path.exists() else None

    def test_what_was_there_before_stays(self):
        (self.root / "directory").mkdir()
        (self.root / "directory" / "file").write_text("old")
        (self.root / "link").symlink_to("directory")
        (self.root / "directory" / "file").chmod(0o640)
        self.arm()
        self.cut()
        self.assertEqual(self.text("link/file"), "old")
        self.assertEqual((self.root / "directory" / "file").stat().st_mode & 0o777, 0o640)

    def test_a_write_without_a_sync_is_lost(self):
        (self.root / "file").write_text("old")
        self.arm()
        self.python("open('file', 'a').write(' and new')")
        self.assertEqual(self.text("file"), "old and new")
        self.cut()
        self.assertEqual(self.text("file"), "old")

    def test_a_synced_write_stays(self):
        (self.root / "file").write_text("old")
        self.arm()
        for call in ("fsync", "fdatasync"):
            self.python(f"import os; file = open('file', 'a'); file.write(' {call}'); file.flush(); os.{call}(file.fileno())")
        self.cut()
        self.assertEqual(self.text("file"), "old fsync fdatasync")

    def test_a_new_file_needs_its_directory_synced_too(self):
        self.arm()
        self.shell("echo new >alone; sync alone; echo new >both; sync both; echo new >name; sync .; echo new >late; sync late")
        self.cut()
        self.assertEqual(self.text("late"), None)
        self.assertEqual(self.text("both"), "new\n")
        self.assertEqual(self.text("alone"), "new\n")
        self.assertEqual(self.text("name"), "", "the name is there, the bytes were never synced")

    def test_a_rename_without_a_sync_of_the_directory_comes_back_old(self):
        (self.root / "file").write_text("old")
        self.arm()
        self.shell("echo new >file.new; sync file.new; mv file.new file")
        self.cut()
        self.assertEqual(self.text("file"), "old")
        self.assertEqual(self.text("file.new"), None)

    def test_a_rename_with_a_sync_of_the_directory_stays(self):
        (self.root / "file").write_text("old")
        self.arm()
        self.shell("echo new >file.new; sync file.new; mv file.new file; sync .")
        self.cut()
        self.assertEqual(self.text("file"), "new\n")

    def test_kept_names_show_a_rename_whose_bytes_were_not_synced(self):
        (self.root / "file").write_text("old")
        self.arm()
        self.shell("echo new >file.new; mv file.new file")
        self.cut("--names", "kept")
        self.assertEqual(self.text("file"), "")

    def test_a_symlink_switch_needs_the_directory_synced(self):
        (self.root / "current").symlink_to("releases/v1")
        self.arm()
        self.shell("ln -s releases/v2 new; mv -T new current")
        self.cut()
        self.assertEqual(os.readlink(self.root / "current"), "releases/v1")
        self.shell("ln -s releases/v2 new; mv -T new current; sync .")
        self.cut()
        self.assertEqual(os.readlink(self.root / "current"), "releases/v2")

    def test_an_unlink_without_a_sync_comes_back(self):
        (self.root / "file").write_text("old")
        self.arm()
        self.shell("rm file")
        self.cut()
        self.assertEqual(self.text("file"), "old")

    def test_a_number_used_again_is_not_the_old_file(self):
        self.arm()
        self.shell("echo secret >first; sync first; rm first; : >second; sync .")
        self.cut()
        self.assertEqual(self.text("second"), "")

    def test_a_global_sync_keeps_everything(self):
        self.arm()
        self.shell("mkdir -p a/b; echo new >a/b/file; ln -s a link; sync; echo late >late")
        self.cut()
        self.assertEqual(self.text("link/b/file"), "new\n")
        self.assertEqual(self.text("late"), None)

    def insert_rows(self, synchronous, mode):
        self.python(f"""
import os, sqlite3
db = sqlite3.connect('rows.db', isolation_level=None)
db.execute('PRAGMA journal_mode = {mode}'); db.execute('PRAGMA synchronous = {synchronous}')
for number in range(20):
    db.execute('INSERT INTO row VALUES (?)', (number,))
os._exit(0)""")

    def rows_after_a_cut(self, synchronous, mode):
        db = sqlite3.connect(self.root / "rows.db")
        db.execute("CREATE TABLE row (number INTEGER)")
        db.close()
        self.arm()
        self.insert_rows(synchronous, mode)
        self.cut()
        db = sqlite3.connect(self.root / "rows.db")
        self.addCleanup(db.close)
        self.assertEqual(db.execute("PRAGMA integrity_check").fetchone(), ("ok",))
        return db.execute("SELECT count(*) FROM row").fetchone()[0]

    def test_sqlite_keeps_what_it_committed_in_wal_mode(self):
        self.assertEqual(self.rows_after_a_cut("FULL", "WAL"), 20)

    def test_sqlite_in_delete_mode_may_take_the_last_commit_back_unless_extra(self):
        """FULL does not sync the directory after the rollback journal is unlinked; EXTRA does (sqlite.org/pragma.html)."""
        self.assertEqual(self.rows_after_a_cut("FULL", "DELETE"), 19)

    def test_sqlite_keeps_what_it_committed_in_delete_mode_with_extra(self):
        self.assertEqual(self.rows_after_a_cut("EXTRA", "DELETE"), 20)

    def test_sqlite_without_syncs_loses_it(self):
        self.assertLess(self.rows_after_a_cut("OFF", "WAL"), 20)


if __name__ == "__main__":
    unittest.main()
