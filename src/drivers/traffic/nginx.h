// "nginx": the door as a file that nginx includes in the server{} block of the site.
//
// Subject: {include, page?, test: [argv], reload: [argv], public_url?}
//
// close  puts the closed block there atomically (the content before is kept beside), asks nginx to test its
// configuration,
//        then to reload. When the test or the reload fails, the content before is back and the step has failed.
// open   the other way: the content before, or the open block.
// Verified by the real answer at public_url: closed is 503 with our header, open is an answer without it, several times
// over new connections, because old workers may take one more while a reload goes on. Without public_url only the file,
// a note beside it that nginx was told to reload this content, and nginx's own test can be looked at; `why` says so.
#pragma once
#include <memory>

#include "driver/driver.h"

namespace backout::drivers {

std::unique_ptr<driver::Driver> make_nginx_driver();

}  // namespace backout::drivers
