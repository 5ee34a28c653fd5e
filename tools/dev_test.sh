#!/bin/sh
# What ./dev does about packages, with fake programs on its PATH: nothing is installed here.
# shellcheck disable=SC2016,SC2086  # the fakes expand their own variables; ${5:-} is one word or none
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
base=$(mktemp -d)
trap 'rm -rf "$base"' EXIT
tree=$base/tree fake=$base/fake
mkdir -p "$tree/tools" "$fake"
cp "$root/dev" "$tree/"
cp "$root/tools/packages.txt" "$tree/tools/"
for tool in sh sed grep dirname tail find head mkdir cat rm printf env; do ln -s "$(command -v $tool)" "$fake/$tool"; done

say() { printf '#!/bin/sh\n%s\n' "$2" >"$fake/$1" && chmod +x "$fake/$1"; }
say id 'echo 1000'
say dpkg-query 'cat "$INSTALLED"'
# sudo writes down what it was asked and does nothing; apt-get ends as the test says, the first time and later.
say sudo 'echo "$*" >>"$CALLS"
case "$*" in
*"apt-get"*" install"*) [ -e "$CALLS.again" ] || { : >"$CALLS.again"; exit "$FIRST"; }; exit "$THEN" ;;
*"apt-get"*" update"*) exit "$UPDATE" ;;
esac'
say apt-get 'exit 99'
say cmake ':'

passed=0 failed=0
# expect NAME STATUS TEXT : the last run ended so and said so.
expect() {
  if [ "$status" = "$2" ] && grep -q -- "$3" "$base/words"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAILED %s: exit status %s\n' "$1" "$status"
    sed 's/^/    /' "$base/words"
  fi
}
# dev INSTALLED FIRST THEN UPDATE : runs `./dev build` in a world like that.
dev() {
  printf '%s' "$1" >"$base/installed"
  rm -f "$base/calls" "$base/calls.again"
  : >"$base/calls"
  status=0
  env -i PATH="$fake" INSTALLED="$base/installed" CALLS="$base/calls" FIRST="$2" THEN="$3" UPDATE="$4" ${5:-} "$tree/dev" build \
    >"$base/words" 2>&1 || status=$?
  cat "$base/calls" >>"$base/words"
}

all=$(sed -n 's/^build  *\([^ ]*\).*/\1 installed/p' "$tree/tools/packages.txt")
dev "$all" 1 1 1
expect 'with everything installed apt is not asked' 0 'build/release/backout'
grep -q apt "$base/words" && { failed=$((failed + 1)); echo 'FAILED apt was asked for nothing'; }

dev "$(printf '%s\n' "$all" | grep -v '^mold ')" 0 0 1
expect 'what is missing is installed, and only that' 0 'install -y --no-install-recommends mold$'

dev "$all
mold deinstall" 0 0 0 BACKOUT_NO_INSTALL=1
expect 'a package that is there is there' 0 'build/release/backout'

dev "" 0 0 0 BACKOUT_NO_INSTALL=1
expect 'without leave to install it says what is missing' 2 'By hand: apt-get install --no-install-recommends g++ cmake'

dev "" 1 0 0
expect 'after a failure the lists are made new and it is tried again' 0 'apt-get .* update'

dev "" 1 1 0
expect 'when apt fails twice it says so' 2 'apt could not install the packages'
if [ -e /usr/sbin/policy-rc.d ]; then
  grep -q policy-rc.d "$base/calls" && { failed=$((failed + 1)); echo "FAILED this machine's own policy-rc.d was touched"; }
else
  expect 'and leaves no policy behind' 2 "rm -f /usr/sbin/policy-rc.d"
fi

dev "" 1 0 1
expect 'without a network it says so' 2 'Is there a network'

rm "$fake/sudo"
dev "" 0 0 0
expect 'without root and sudo it says so' 2 'neither root nor have sudo'

rm "$fake/apt-get"
dev "" 0 0 0
expect 'without apt it says so' 2 'this is not Debian'

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
