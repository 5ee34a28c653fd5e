// The address of a server in a container: "host=compose:PROJECT/SERVICE" in a connection string.
//
// It is asked of docker each time that a session begins, because it is another one after the container was started
// anew. libpq still looks up ~/.pgpass and certificates by the host as it is written.
#pragma once
#include <string>

#include "base/result.h"
#include "database/postgresql/connection.h"

namespace backout::postgresql {

/// Empty where the connection string names no container. kUnavailable when it has none that runs, or docker does not
/// answer; kInvalid when what it names cannot be a project and a service.
Result<std::string> container_address(const Server& server);

}  // namespace backout::postgresql
