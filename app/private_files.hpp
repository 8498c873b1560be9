// Who may read what octavo writes. A store holds everybody's text, and is for the user that octavo runs as and nobody
// else; what a person exports is a file of theirs like any other.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <fstream>

namespace octavo::app {

/// From here on new files and folders are this user's alone. Once, before there are threads.
void make_files_private();

/// A new file with the permissions that the user's umask gives it, for what they asked for by name. No other thread may
/// be making files.
std::ofstream open_as_user(const std::filesystem::path& file);

}  // namespace octavo::app
