// Memory under overload, for a minute.
#include <gtest/gtest.h>

#include "tests/tidemill/overload_rig.h"

namespace tidemill::test {
namespace {

TEST(LongOverload, StaysInItsBudgetsAndLosesNothing) {
    expectBounded(overload(std::chrono::seconds(60)));
}

}  // namespace
}  // namespace tidemill::test
