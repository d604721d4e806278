// What the program's commands take, by family: their options, help and examples, one file each. A
// command that is chosen runs while the command line is parsed and leaves its exit code in `code`,
// which must outlive that.
#pragma once

namespace CLI {
class App;
}

namespace tidemill::tools {

void addRun(CLI::App& app, int& code);
void addTest(CLI::App& app, int& code);
void addPlan(CLI::App& app, int& code);
void addSend(CLI::App& app, int& code);
void addDaemon(CLI::App& app, int& code);
void addState(CLI::App& app, int& code);
void addChecks(CLI::App& app, int& code);
void addPast(CLI::App& app, int& code);
void addKillTest(CLI::App& app, int& code);
void addLog(CLI::App& app, int& code);
void addCheckpoint(CLI::App& app, int& code);
void addSavepoint(CLI::App& app, int& code);
void addBackup(CLI::App& app, int& code);
void addDeadLetters(CLI::App& app, int& code);

}  // namespace tidemill::tools
