// Memory under overload, for as long as everyone can wait.
#include <gtest/gtest.h>

#include "tests/tidemill/overload_rig.h"

namespace tidemill::test {
namespace {

TEST(Overload, StaysInItsBudgetsAndLosesNothing) {
    expectBounded(overload(std::chrono::seconds(5)));
}

}  // namespace
}  // namespace tidemill::test
