// What is said when a command line ends without a command: help that was asked for, or what is
// wrong with it and what was perhaps meant.
#pragma once

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace tidemill::tools {

// Prints to stdout what was asked for, to stderr what is wrong; returns the exit code.
int reportParseEnd(const CLI::App& app, const CLI::ParseError& error, int argumentCount);

}  // namespace tidemill::tools
