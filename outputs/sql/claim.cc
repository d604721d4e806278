#include "outputs/sql/claim.h"

#include <mutex>
#include <set>

namespace tidemill::outputs {
namespace {

struct Claims {
    std::mutex mutex;
    std::set<std::string> tables;
};
// Lives as long as the process: outputs may end late.
Claims& claims() {
    static auto* const instance = new Claims;
    return *instance;
}

}  // namespace

std::unique_ptr<TableClaim> TableClaim::take(const std::string& table) {
    const std::lock_guard lock(claims().mutex);
    if (!claims().tables.insert(table).second) return nullptr;
    return std::unique_ptr<TableClaim>(new TableClaim(table));
}

TableClaim::~TableClaim() {
    const std::lock_guard lock(claims().mutex);
    claims().tables.erase(table_);
}

}  // namespace tidemill::outputs
