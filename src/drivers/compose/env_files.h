// EnvFiles: which files the services of a project say under env_file. Compose itself never tells: it puts what is in
// them in their place. POSIX sh and awk: the forms that people write, without anchors and variables.
#pragma once
#include <string_view>

namespace backout::drivers::compose {

inline constexpr std::string_view kEnvFiles = R"sh(
environment_files() {  # FILE...: what their services say under env_file, in any of its forms
  [ "$#" -eq 0 ] || awk '
    function say(word) {
      sub(/[ \t]+#.*$/, "", word); gsub(/^[ \t]+|[ \t\r]+$/, "", word)
      if (word ~ /^".*"$/ || word ~ /^\047.*\047$/) word = substr(word, 2, length(word) - 2)
      if (word != "") print word
    }
    { indent = match($0, /[^ ]/) - 1 }
    inside && indent >= depth && /^ *-/ {
      word = $0; sub(/^ *- */, "", word)
      if (word ~ /^path:/) sub(/^path: */, "", word); else if (word ~ /^[a-z_]+:/) next
      say(word); next
    }
    inside && indent > depth && /^ *path:/ { word = $0; sub(/^ *path: */, "", word); say(word); next }
    inside && (indent <= depth || !/^ /) && !/^ *(#|$)/ { inside = 0 }
    /^ +env_file: *(#.*)?$/ { inside = 1; depth = indent; next }
    /^ +env_file: *\[/ { word = $0; sub(/^[^[]*\[/, "", word); sub(/\].*/, "", word); many = split(word, list, ",")
      for (i = 1; i <= many; i++) say(list[i]); next }
    /^ +env_file: / { word = $0; sub(/^ +env_file: */, "", word); say(word) }
  ' "$@" </dev/null
}
)sh";

}  // namespace backout::drivers::compose
