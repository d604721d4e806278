#include "rows/type.h"

#include "core/check.h"

namespace tidemill::rows {

const char* toString(Type type) {
    switch (type) {
        case Type::kInt: return "int";
        case Type::kFloat: return "float";
        case Type::kBool: return "bool";
        case Type::kText: return "text";
        case Type::kTime: return "time";
        case Type::kJson: return "json";
    }
    TM_CHECK(false, "a column has one of the types");
}

}  // namespace tidemill::rows
