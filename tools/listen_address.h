// The key `listen` of a job file: where a page or a source of HTTP listens.
#pragma once

#include <optional>
#include <string>

#include "sources/endpoint.h"
#include "tools/toml_table.h"

namespace tidemill::tools {

// "4040" or "127.0.0.1:4040"; localhost becomes 127.0.0.1. None when it is missing or no address of
// a machine, which is an error of the table; `who` is called so in it: "the page".
std::optional<sources::Endpoint> readListenAddress(TomlTable& table, const std::string& who,
                                                   const std::string& example,
                                                   JobFileErrors& errors);

}  // namespace tidemill::tools
