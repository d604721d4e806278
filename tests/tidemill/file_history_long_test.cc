#include "tests/tidemill/file_history.h"

namespace tidemill::test {
namespace {

TEST(FileHistories, LongEveryLineOfEveryFileIsTakenExactlyOnce) { runFileHistories(600); }

}  // namespace
}  // namespace tidemill::test
