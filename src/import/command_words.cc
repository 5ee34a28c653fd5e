// Which lines are commands.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "import/commands.h"

namespace backout::import {
namespace {

/// Programs whose names are no words of a sentence.
const std::set<std::string_view>& programs() {
  static const std::set<std::string_view> names = {"sudo",
                                                   "systemctl",
                                                   "supervisorctl",
                                                   "journalctl",
                                                   "pm2",
                                                   "kubectl",
                                                   "helm",
                                                   "docker",
                                                   "docker-compose",
                                                   "podman",
                                                   "git",
                                                   "npm",
                                                   "npx",
                                                   "yarn",
                                                   "pnpm",
                                                   "pip",
                                                   "pip3",
                                                   "poetry",
                                                   "pipenv",
                                                   "python",
                                                   "python3",
                                                   "rails",
                                                   "rake",
                                                   "bundle",
                                                   "php",
                                                   "composer",
                                                   "psql",
                                                   "pg_dump",
                                                   "pg_dumpall",
                                                   "pg_restore",
                                                   "createdb",
                                                   "dropdb",
                                                   "pg_basebackup",
                                                   "pgbackrest",
                                                   "mysql",
                                                   "mysqldump",
                                                   "mongodump",
                                                   "mongorestore",
                                                   "mongosh",
                                                   "sqlite3",
                                                   "redis-cli",
                                                   "curl",
                                                   "wget",
                                                   "ssh",
                                                   "scp",
                                                   "rsync",
                                                   "sftp",
                                                   "tar",
                                                   "gzip",
                                                   "gunzip",
                                                   "zcat",
                                                   "unzip",
                                                   "aws",
                                                   "gcloud",
                                                   "gsutil",
                                                   "az",
                                                   "terraform",
                                                   "ansible",
                                                   "ansible-playbook",
                                                   "nginx",
                                                   "apachectl",
                                                   "a2ensite",
                                                   "a2dissite",
                                                   "haproxy",
                                                   "istioctl",
                                                   "argocd",
                                                   "flux",
                                                   "heroku",
                                                   "fly",
                                                   "flyctl",
                                                   "vercel",
                                                   "netlify",
                                                   "wrangler",
                                                   "railway",
                                                   "gh",
                                                   "glab",
                                                   "jq",
                                                   "grep",
                                                   "awk",
                                                   "sed",
                                                   "ls",
                                                   "cat",
                                                   "tail",
                                                   "rm",
                                                   "cp",
                                                   "mv",
                                                   "mkdir",
                                                   "chmod",
                                                   "chown",
                                                   "ln",
                                                   "cd",
                                                   "echo",
                                                   "export",
                                                   "kill",
                                                   "pkill",
                                                   "killall",
                                                   "ps",
                                                   "netstat",
                                                   "ss",
                                                   "lsof",
                                                   "df",
                                                   "du",
                                                   "crontab",
                                                   "certbot",
                                                   "dig",
                                                   "nslookup",
                                                   "ping",
                                                   "nc",
                                                   "openssl",
                                                   "alembic",
                                                   "flask",
                                                   "gunicorn",
                                                   "celery",
                                                   "uvicorn",
                                                   "knex",
                                                   "prisma",
                                                   "goose",
                                                   "flyway",
                                                   "liquibase",
                                                   "dbmate",
                                                   "sequelize",
                                                   "typeorm",
                                                   "mvn",
                                                   "gradle",
                                                   "cargo",
                                                   "dotnet",
                                                   "java",
                                                   "make",
                                                   "cap",
                                                   "eb",
                                                   "ecs-cli",
                                                   "sls",
                                                   "serverless",
                                                   "doctl",
                                                   "nomad",
                                                   "consul",
                                                   "vault",
                                                   "etcdctl",
                                                   "su",
                                                   "apt",
                                                   "apt-get",
                                                   "yum",
                                                   "dnf",
                                                   "apk",
                                                   "brew",
                                                   "snap",
                                                   "initctl",
                                                   "chkconfig",
                                                   "sh",
                                                   "bash",
                                                   "zsh",
                                                   "tmux",
                                                   "screen",
                                                   "nohup",
                                                   "vim",
                                                   "vi",
                                                   "nano",
                                                   "hostname",
                                                   "uptime",
                                                   "sysctl",
                                                   "iptables",
                                                   "ufw",
                                                   "mysqladmin",
                                                   "pg_ctl",
                                                   "pg_isready",
                                                   "barman",
                                                   "restic",
                                                   "borg",
                                                   "xtrabackup",
                                                   "drush",
                                                   "wp",
                                                   "artisan",
                                                   "oc",
                                                   "skaffold",
                                                   "kustomize",
                                                   "minikube",
                                                   "crictl",
                                                   "buildah",
                                                   "deno",
                                                   "bun",
                                                   "tsx",
                                                   "iisreset",
                                                   "net",
                                                   "sc",
                                                   "powershell",
                                                   "pwsh",
                                                   "robocopy",
                                                   "xcopy",
                                                   "cdk",
                                                   "pulumi",
                                                   "amplify",
                                                   "firebase",
                                                   "supabase",
                                                   "dokku",
                                                   "kamal",
                                                   "nixos-rebuild",
                                                   "bin/rails",
                                                   "venv/bin/python",
                                                   "env",
                                                   "true",
                                                   "false",
                                                   "watch",
                                                   "journalctl",
                                                   "service",
                                                   "find",
                                                   "head",
                                                   "touch",
                                                   "source",
                                                   "node",
                                                   "go",
                                                   "test",
                                                   "cut",
                                                   "sort",
                                                   "which",
                                                   "time",
                                                   "date",
                                                   "at",
                                                   "set",
                                                   "sleep",
                                                   "install",
                                                   "top",
                                                   "less",
                                                   "more",
                                                   "open",
                                                   "start",
                                                   "stop",
                                                   "mount",
                                                   "umount",
                                                   "id",
                                                   "who",
                                                   "host"};
  return names;
}
/// Those of them that begin sentences, too.
bool is_also_a_word(std::string_view name) {
  static const std::set<std::string_view> names = {
      "make",    "find",   "watch",   "service", "test",     "kill",     "head",     "top",    "less",    "more",
      "open",    "start",  "stop",    "at",      "time",     "sort",     "cut",      "which",  "install", "set",
      "export",  "source", "node",    "go",      "touch",    "host",     "who",      "id",     "date",    "sleep",
      "mount",   "cat",    "net",     "vault",   "flux",     "screen",   "fly",      "true",   "false",   "flask",
      "env",     "cap",    "railway", "git",     "docker",   "nginx",    "java",     "python", "rails",   "celery",
      "railway", "helm",   "heroku",  "php",     "composer", "bundle",   "echo",     "ping",   "mysql",   "terraform",
      "ansible", "poetry", "consul",  "nomad",   "prisma",   "supabase", "firebase", "vercel", "netlify", "snap",
      "brew",    "su",     "sc",      "oc",      "eb",       "wp",       "bun",      "bash",   "sh"};
  return names.contains(name);
}

bool is_name_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/// Words that a sentence goes on with and a command does not.
bool is_word_of_a_sentence(std::string_view word) {
  static const std::set<std::string_view> words = {
      "sure",  "the",  "a",       "an",     "for",      "that",    "if",     "is",     "are",     "to",
      "and",   "or",   "of",      "it",     "this",     "your",    "all",    "any",    "won't",   "won’t",
      "will",  "was",  "with",    "by",     "on",       "in",      "new",    "should", "must",    "can",
      "when",  "has",  "have",    "using",  "as",       "has",     "from",   "we",     "you",     "these",
      "those", "each", "every",   "then",   "while",    "after",   "before", "does",   "doesn't", "fails",
      "fail",  "not",  "returns", "return", "responds", "liefert", "works",  "loads"};
  return words.contains(word);
}

size_t after_assignment(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0 || (text[0] >= '0' && text[0] <= '9')) return 0;
  return std::all_of(text.begin(), text.begin() + static_cast<long>(equals), is_name_char) ? equals + 1 : 0;
}

}  // namespace

bool is_assignment(std::string_view line) {
  line = trimmed(line);
  for (const std::string_view word : {"export ", "set "})
    if (line.starts_with(word)) line = trimmed(line.substr(word.size()));
  const size_t value = after_assignment(line);
  if (value == 0) return false;
  if (value == line.size()) return true;
  const char quote = line[value];
  if (quote == '"' || quote == '\'') {
    const size_t close = line.find(quote, value + 1);
    const std::string_view rest = close == std::string_view::npos ? "x" : trimmed(line.substr(close + 1));
    return rest.empty() || rest.starts_with('#');
  }
  if (line.substr(value).starts_with("$(")) return line.ends_with(')');
  const size_t end = line.find_first_of(" \t", value);
  return end == std::string_view::npos || trimmed(line.substr(end)).starts_with('#');
}

bool looks_like_command(std::string_view line) {
  line = trimmed(line);
  if (line.size() < 2) return false;
  if (line.starts_with(">>> ") || line.starts_with("$ ") || is_assignment(line)) return true;
  std::string_view rest = line;
  while (after_assignment(rest.substr(0, rest.find(' '))) > 0 && rest.find(' ') != std::string_view::npos)
    rest = trimmed(rest.substr(rest.find(' ')));
  const std::string_view first = rest.substr(0, rest.find_first_of(" \t"));
  const std::string_view after = trimmed(rest.substr(first.size()));
  const std::string_view second = after.substr(0, after.find_first_of(" \t"));
  if ((first.starts_with("./") || first.starts_with("/") || first.starts_with("~/") || first.starts_with("../")) &&
      first.find_first_of("<>()*,:`") == std::string_view::npos && first.find('/', 1) != std::string_view::npos)
    return !first.ends_with('/') && !is_word_of_a_sentence(second) && !line.ends_with('.');
  if (first.starts_with("Stop-Service") || first.starts_with("Start-Service") || first.starts_with("Restart-Service") ||
      first.starts_with("Invoke-") || first.starts_with("Get-Service"))
    return true;
  if (!programs().contains(first)) return false;
  if (first == "sudo" || first == "cd") return !is_word_of_a_sentence(second) && !second.empty();
  if (is_word_of_a_sentence(second)) return false;
  const bool ends_a_sentence = (line.ends_with('.') && !line.ends_with("...")) || line.ends_with(':');
  if (!is_also_a_word(first)) return !ends_a_sentence;
  if (second.empty() || ends_a_sentence || line.ends_with(',')) return false;
  if (after.find_first_of("/$|=>&;\"'{") != std::string_view::npos || after.find(" -") != std::string_view::npos ||
      second.starts_with('-'))
    return true;
  // "git push", "make deploy": two or three plain words.
  static const std::set<std::string_view> plain = {"git",    "docker", "npm",    "make",      "service",  "rails",
                                                   "nginx",  "helm",   "heroku", "terraform", "php",      "python",
                                                   "celery", "cap",    "flask",  "poetry",    "composer", "bundle"};
  return plain.contains(first) && std::count(after.begin(), after.end(), ' ') <= 3 &&
         second.find_first_not_of("abcdefghijklmnopqrstuvwxyz:_-.0123456789@") == std::string_view::npos;
}

bool is_expectation(std::string_view comment) {
  const size_t begins = comment.find_first_not_of("# \t-/");
  if (begins == std::string_view::npos) return false;
  std::string small(comment.substr(begins, 40));
  std::transform(small.begin(), small.end(), small.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const char* word :
       {"should ",  "all should", "expect",    "this will",  "note",      "usually",  "must ", "output",  "->",
        "=>",       "returns",    "it should", "you should", "result",    "new ",     "e.g",   "example", "warning",
        "look for", "find ",      "wait for",  "verify no ", "no errors", "this can", "=",     "or "})
    if (small.starts_with(word)) return true;
  return false;
}

std::vector<std::string> shell_words(std::string_view command, size_t limit) {
  std::vector<std::string> words;
  std::string word;
  bool any = false;
  char quote = 0;
  const auto end = [&] {
    if (any) words.push_back(std::move(word));
    word.clear();
    any = false;
  };
  for (size_t i = 0; i < command.size() && words.size() < limit; ++i) {
    const char c = command[i];
    if (quote != 0) {
      if (c == quote)
        quote = 0;
      else
        word += c;
    } else if (c == '\'' || c == '"') {
      quote = c;
      any = true;
    } else if (c == '\\' && i + 1 < command.size()) {
      if (command[++i] != '\n') word += command[i], any = true;
    } else if (c == ' ' || c == '\t' || c == '\n') {
      end();
    } else if (c == '|' || c == ';' || c == '<' || c == '>' || c == '&') {
      end();
      word = c;
      while (i + 1 < command.size() && (command[i + 1] == c)) word += command[++i];
      any = true;
      end();
    } else if (c == '#' && !any) {  // a comment
      const size_t line = command.find('\n', i);
      if (line == std::string_view::npos) break;
      i = line;
    } else {
      word += c;
      any = true;
    }
  }
  if (words.size() < limit) end();
  return words;
}

}  // namespace backout::import
