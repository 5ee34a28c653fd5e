#!/bin/sh
# The real `docker compose` (2.26, of Debian 13) to test against, on a machine that has docker-compose 1.29: the package is
# fetched once by apt, held to its SHA-256, unpacked into build/compose-plugin and kept; nothing is installed.
#   compose_plugin.sh DIRECTORY-OF-THE-REPOSITORY
# Prints the path of the plugin: it is found by `docker` as $DOCKER_CONFIG/cli-plugins/docker-compose. Exit status 69, with
# the reason, when it cannot be had: a test that needs it says so by name, and is skipped.
set -eu
build=$1/build
version=2.26.1-4
mkdir -p "$build"
exec 9>"$build/compose-plugin.lock"
flock 9
plugin=$build/compose-plugin/$version/usr/libexec/docker/cli-plugins/docker-compose
none() {
  echo "docker compose $version cannot be had: $1" >&2
  exit 69
}
if [ ! -x "$plugin" ]; then
  machine=$(dpkg --print-architecture 2>/dev/null) || none 'this machine has no dpkg'
  case $machine in
    amd64) sha256=47681197cb2b1ab88206b42a1a92fc75f50d9530a6322d03494a473eed0408ea ;;
    arm64) sha256=bbafaa666f3e7fa00ad36f2a8bab889f1c791ca8743d674e7267a3d07203869c ;;
    *) none "its SHA-256 is not known for $machine" ;;
  esac
  # One that could not be had is not asked for again by each of the tests of a run.
  failed=$build/compose-plugin.failed
  [ -z "$(find "$failed" -mmin -10 2>/dev/null)" ] || none "$(cat "$failed")"
  new=$build/compose-plugin.new
  rm -rf "$new" "$failed"
  mkdir "$new"
  # From the archive that this machine installs from, which has the packages of later releases in its pool, too.
  # shellcheck disable=SC2016 # apt's own variables
  for archive in $(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' | grep -v security | sort -u); do
    [ ! -e "$new/package.deb" ] || break
    timeout 120 /usr/lib/apt/apt-helper -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o APT::Sandbox::User=root \
      download-file "${archive%/}/pool/main/d/docker-compose/docker-compose_${version}_$machine.deb" "$new/package.deb" \
      "SHA256:$sha256" >"$build/compose-plugin.log" 2>&1 9>&- || rm -f "$new/package.deb"
  done
  if [ ! -e "$new/package.deb" ]; then
    sed -n 's/^E: //p' "$build/compose-plugin.log" 2>/dev/null | head -n 1 >"$failed"
    [ -s "$failed" ] || echo 'apt knows no archive that has it' >"$failed"
    none "$(cat "$failed")"
  fi
  dpkg-deb -x "$new/package.deb" "$new"
  rm "$new/package.deb"
  mkdir -p "$build/compose-plugin"
  rm -rf "$build/compose-plugin/$version"
  mv "$new" "$build/compose-plugin/$version"
fi
echo "$plugin"
