// The larger parts of gather(). Each fills its part of the facts.
#pragma once
#include "init/eyes.h"
#include "init/facts.h"

namespace backout::init {

void gather_project(Eyes& eyes, Facts& facts);        // tree, project
void gather_git(Eyes& eyes, Facts& facts);            // git, bare_repository: by the files of git, without running it
void gather_files_by_name(Eyes& eyes, Facts& facts);  // databases, dumps
void gather_processes(Eyes& eyes, Facts& facts);

}  // namespace backout::init
