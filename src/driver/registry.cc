#include "base/text.h"
#include "driver/driver.h"

namespace backout::driver {

void Registry::add(std::unique_ptr<Driver> driver) {
  std::string name(driver->name());
  const bool fresh = drivers_.emplace(name, std::move(driver)).second;
  BACKOUT_CHECK(fresh, "two drivers of one name: " + name);
}

Result<const Driver*> Registry::find(std::string_view name) const {
  const auto found = drivers_.find(name);
  if (found != drivers_.end()) return found->second.get();
  const auto near = nearest(name, names());
  return Error{Code::kUnsupported, "there is no driver '" + std::string(name) + "' in this version",
               near ? "did you mean '" + *near + "'?" : "drivers: " + join(names(), ", ")};
}

std::vector<std::string> Registry::names() const {
  std::vector<std::string> names;
  for (const auto& [name, driver] : drivers_) names.push_back(name);
  return names;
}

}  // namespace backout::driver
