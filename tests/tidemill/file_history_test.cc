// TIDEMILL_HISTORIES and TIDEMILL_SEED make it longer or repeat a failure.
#include "tests/tidemill/file_history.h"

namespace tidemill::test {
namespace {

TEST(FileHistories, EveryLineOfEveryFileIsTakenExactlyOnce) { runFileHistories(25); }

}  // namespace
}  // namespace tidemill::test
