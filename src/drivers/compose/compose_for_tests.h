// For tests only: a Docker daemon of the test's own, and a project in it, run by either of the two real tools:
// docker-compose 1.29, and the plugin `docker compose`, fetched into build/. Images are made of busybox.
#pragma once
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "conformance/conformance.h"
#include "conformance/world.h"
#include "drivers/compose/compose.h"

namespace backout::drivers {

/// One for the test program. It touches neither iptables nor the bridge docker0.
class Dockerd {
 public:
  static Dockerd& shared() {
    static Dockerd daemon;
    return daemon;
  }
  /// Empty: it runs.
  const std::string& lacking() const { return lacking_; }
  std::string socket() const { return "unix://" + directory_ + "/s"; }

  ~Dockerd() {
    if (pid_ > 0) {
      conformance::ask(
          "docker ps -aq | xargs -r docker rm -f -v >/dev/null 2>&1; docker network prune -f >/dev/null 2>&1");
      ::kill(pid_, SIGTERM);
      ::waitpid(pid_, nullptr, 0);
    }
    if (!directory_.empty()) conformance::ask("rm -rf " + directory_);
  }

 private:
  Dockerd() {
    for (const char* program : {"dockerd", "docker", "busybox"})
      if (!conformance::holds(std::string("command -v ") + program + " >/dev/null"))
        lacking_ = std::string("there is no ") + program;
    if (lacking_.empty() && ::geteuid() != 0) lacking_ = "only root can start a docker daemon";
    if (!lacking_.empty()) return;
    std::string pattern = "/tmp/backout-dockerd-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    ::setenv("DOCKER_HOST", socket().c_str(), 1);
    ::unsetenv("COMPOSE_PROJECT_NAME");
    pid_ = ::fork();
    if (pid_ == 0) {
      ::setsid();
      const std::string log = directory_ + "/log";
      if (::freopen(log.c_str(), "w", stdout) == nullptr || ::dup2(1, 2) < 0) ::_exit(126);
      const std::string data = directory_ + "/data", exec = directory_ + "/exec", file = directory_ + "/pid";
      const std::string at = socket();
      ::execlp("dockerd", "dockerd", "--data-root", data.c_str(), "--exec-root", exec.c_str(), "-H", at.c_str(),
               "--pidfile", file.c_str(), "--bridge=none", "--iptables=false", "--ip6tables=false",
               "--ip-forward=false", "--ip-masq=false", "--default-address-pool", "base=10.213.0.0/16,size=24",
               nullptr);
      ::_exit(127);
    }
    for (int tries = 0; tries < 150; ++tries) {
      if (conformance::holds("docker version >/dev/null 2>&1")) {
        for (const char* version : {"v1", "v2", "v3"}) ids_[version] = image(version);
        return;
      }
      if (::waitpid(pid_, nullptr, WNOHANG) == pid_) break;
      ::usleep(100'000);
    }
    lacking_ = "dockerd cannot run here: " + conformance::answer("tail -n 1 " + directory_ + "/log");
  }

 public:
  void hang() const { ::kill(pid_, SIGSTOP); }
  void go_on() const { ::kill(pid_, SIGCONT); }
  /// The tags as they were in the beginning.
  void put_back() {
    for (auto& [version, id] : ids_)
      if (!conformance::holds("docker tag " + id + " shop:" + version + " 2>/dev/null")) id = image(version);
  }
  /// shop:VERSION, whose port 8080 says "hello VERSION". Returns its id.
  std::string image(const std::string& version, const std::string& name = "") {
    return conformance::answer("set -e; r=" + directory_ +
                               "/root; rm -rf $r; mkdir -p $r/bin $r/www $r/tmp; cp \"$(command -v busybox)\" $r/bin/; "
                               "for a in sh httpd wget cat sleep false; do ln -s busybox $r/bin/$a; done; echo hello " +
                               version +
                               " >$r/www/index.html; tar -C $r -c . | docker import -c 'CMD "
                               "[\"/bin/httpd\",\"-f\",\"-p\",\"8080\",\"-h\",\"/www\"]' - " +
                               (name.empty() ? "shop:" + version : name));
  }

 private:
  std::string directory_, lacking_;
  std::map<std::string, std::string> ids_;
  pid_t pid_ = -1;
};

/// Which Compose a project is run with: "docker-compose", "docker compose", or "either": the plugin, which is the
/// faster one, where it can be had. What is not there is said.
class Tool {
 public:
  explicit Tool(const std::string& name) : plugin_(name != "docker-compose") {
    if (!plugin_) {
      if (!conformance::holds("command -v docker-compose >/dev/null")) lacking_ = "there is no docker-compose";
    } else {
      const std::string source = BACKOUT_SOURCE_DIR;
      const std::string found = conformance::answer(source + "/tests/support/compose_plugin.sh " + source + " 2>&1");
      if (found.starts_with('/'))
        conformance::must("mkdir " + (config_ / "cli-plugins") + " && ln -s " + found + " " +
                          (config_ / "cli-plugins/docker-compose"));
      else if (name == "either" && conformance::holds("command -v docker-compose >/dev/null"))
        plugin_ = false;
      else
        lacking_ = found;
    }
    ::setenv("DOCKER_CONFIG", (config_ / "").c_str(), 1);  // without the plugin, where it is not asked for
  }
  ~Tool() { ::unsetenv("DOCKER_CONFIG"); }
  Tool(const Tool&) = delete;
  Tool& operator=(const Tool&) = delete;

  const std::string& lacking() const { return lacking_; }
  bool is_plugin() const { return plugin_; }
  std::string name() const { return plugin_ ? "docker compose" : "docker-compose"; }
  std::string config(const std::string& file) const { return config_ / file; }
  /// As the tool names it: shop_worker_1, shop-worker-1.
  std::string container(const std::string& service, int number = 1) const {
    const std::string dash = plugin_ ? "-" : "_";
    return "shop" + dash + service + dash + std::to_string(number);
  }

 private:
  conformance::ScratchDirectory config_;
  std::string lacking_;
  bool plugin_;
};

/// For its life the tool says `words` when it is told to bring something up, and does nothing.
class Liar {
 public:
  Liar(const Tool& tool, const std::string& words) {
    const std::string file = bin_ / (tool.is_plugin() ? "docker" : "docker-compose");
    std::ofstream(file) << "#!/bin/sh\ncase \" $* \" in *--dry-run*) ;; *' up '*) echo '" << words
                        << "'; exit 0 ;; esac\nPATH=" << old_ << " exec "
                        << (tool.is_plugin() ? "docker" : "docker-compose") << " \"$@\"\n";
    conformance::must("chmod +x " + file);
    ::setenv("PATH", ((bin_ / "") + ":" + old_).c_str(), 1);
  }
  ~Liar() { ::setenv("PATH", old_.c_str(), 1); }
  Liar(const Liar&) = delete;
  Liar& operator=(const Liar&) = delete;

 private:
  conformance::ScratchDirectory bin_;
  std::string old_ = std::getenv("PATH");
};

inline int unused_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0) return 0;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

/// A project with a web server and a worker; v1 has been saved, and v2 runs.
struct Project {
  const Tool& tool;
  conformance::ScratchDirectory root;
  conformance::LocalHost local;
  std::unique_ptr<driver::Driver> driver = make_compose_driver();
  std::string path = root / "shop", port = std::to_string(unused_port());
  Json saved = Json::object();

  static constexpr const char* kWorker =
      "  worker:\n    image: shop:${TAG}\n    stop_signal: SIGKILL\n    command: [/bin/sleep, '9999']\n";
  static constexpr const char* kMailer =
      "  mailer:\n    image: shop:${TAG}\n    stop_signal: SIGKILL\n    command: [/bin/sleep, '9999']\n";

  explicit Project(const Tool& with) : tool(with) {
    std::filesystem::create_directory(path);
    write("v1", kWorker);
  }
  ~Project() { conformance::ask("docker ps -aq | xargs -r docker rm -f -v >/dev/null"); }
  Project(const Project&) = delete;
  Project& operator=(const Project&) = delete;

  void write(const std::string& version, const std::string& more) const {
    std::ofstream(path + "/.env") << "TAG=" << version << "\nPASSWORD=s3cret\n";
    std::ofstream(path + "/docker-compose.yml") << "version: '3.4'\nservices:\n  web:\n    image: shop:${TAG}\n    "
                                                   "stop_signal: SIGKILL\n    environment: {PASSWORD: "
                                                   "\"${PASSWORD}\", RELEASE: "
                                                << version << "}\n    ports: ['127.0.0.1:" << port << ":8080']\n"
                                                << more;
  }
  void compose(const std::string& words) const {
    conformance::must("cd " + path + " && " + tool.name() + " " + words + " 2>&1");
  }
  std::string serves() const {
    return conformance::answer("curl -s --max-time 2 http://127.0.0.1:" + port + "/ | sed 's/hello //'");
  }
  std::string id_of(const std::string& name) const {
    return conformance::answer("docker image inspect -f '{{.Id}}' " + name + " 2>/dev/null");
  }
  /// What the containers of a service run, each by its id.
  std::string runs(const std::string& service) const {
    return conformance::answer(
        "docker ps -q --filter label=com.docker.compose.project=shop --filter label=com.docker.compose.service=" +
        service + " | xargs -r docker inspect -f '{{.Image}}' | sort -u | paste -s -d ' ' -");
  }

  Json subject(Json more = Json::object()) const {
    Json subject = {{"path", path},       {"env_file", path + "/.env"},
                    {"tag", "TAG"},       {"config", Json::array()},
                    {"startup_ms", 5000}, {"steady_ms", 0},
                    {"keep", 2}};
    subject.update(more);
    return subject;
  }
  Json seen(const Json& more = Json::object()) const {
    auto seen = driver->observe(subject(more), *local.host, {});
    EXPECT_TRUE(seen) << (seen ? "" : seen.error().message);
    return seen ? *seen : Json::object();
  }
  driver::Offering offering(RunKind kind, const Json& more = Json::object()) const {
    driver::Offering offering;
    offering.kind = kind;
    offering.from = Version(kind == RunKind::kCheckpoint ? "v1" : "v2");
    offering.to = Version(kind == RunKind::kCheckpoint ? "" : "v1");
    offering.subject = subject(more);
    offering.hosts = {"local"};
    offering.seen["local"] = seen(more);
    offering.saved = saved;
    return offering;
  }
  static Action now(Action action) {
    const auto expanded = parse_json(replaced(action.args.dump(), "{run}", "RUN-0001"));
    action.args = *expanded;
    return action;
  }
  /// Runs the steps of a checkpoint and keeps what they found.
  void checkpoint(const Json& more = Json::object());
  /// v1's files are saved as a checkpoint would, and v2 is deployed.
  void deploy(const std::string& services = kWorker, const Json& more = Json::object()) {
    const Json files = {path + "/docker-compose.yml", path + "/.env"};
    const std::string set = path + "/.backout/checkpoints/C-0001";
    conformance::apply_well(*driver, {"compose", "save-config", {{"path", path}, {"set", set}, {"files", files}}},
                            *local.host);
    saved["config"] = {{"set", set}, {"files", files}, {"on", {{"local", files}}}};
    Json& images = saved["on_hosts"]["local"]["images"] = Json::array();
    for (const char* service : {"web", "worker"})
      if (!more.contains("services") || std::string(service) == "web")
        images.push_back({{"service", service}, {"image", id_of("shop:v1")}, {"ref", "shop:v1"}, {"count", 1}});
    write("v2", services);
    compose("up -d");
  }
};

inline void Project::checkpoint(const Json& more) {
  saved = Json::object();
  for (const Step& step : conformance::offers_well(*driver, offering(RunKind::kCheckpoint, more))) {
    const Action action = now(step.action);
    conformance::apply_well(*driver, action, *local.host);
    const Sight sight = driver->verify(action, *local.host, {});
    EXPECT_EQ(sight.kind, SightKind::kHolds) << sight.why;
    saved.update(sight.evidence);
  }
}

/// A test of the project, with the daemon, by each of the two tools.
class Compose : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!Dockerd::shared().lacking().empty()) GTEST_SKIP() << Dockerd::shared().lacking();
    if (!tool.lacking().empty()) GTEST_SKIP() << tool.lacking();
    Dockerd::shared().put_back();
    shop = std::make_unique<Project>(tool);
  }
  /// The steps of going back to v1, made ready for a run.
  std::map<std::string, Step> steps(const Json& more = Json::object()) {
    std::map<std::string, Step> by_id;
    for (Step& each : conformance::offers_well(*shop->driver, shop->offering(RunKind::kRollback, more))) {
      each.action = Project::now(each.action);
      if (each.undo) each.undo = Project::now(*each.undo);
      by_id[each.id.str()] = each;
    }
    return by_id;
  }
  void apply(const Action& action) { conformance::apply_well(*shop->driver, action, *shop->local.host); }
  Sight look(const Action& action) { return shop->driver->verify(action, *shop->local.host, {}); }

  Tool tool{GetParam()};
  std::unique_ptr<Project> shop;
};

/// What each tool has a way of its own with is tested with both, the rest once.
inline auto both_tools() { return ::testing::Values("docker-compose", "docker compose"); }
inline std::string tool_word(const ::testing::TestParamInfo<const char*>& tool) {
  return std::string(tool.param) == "docker compose" ? "plugin"
         : tool.param == std::string("either")       ? "either"
                                                     : "standalone";
}

}  // namespace backout::drivers
