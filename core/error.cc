#include "core/error.h"

#include <cerrno>
#include <system_error>

namespace tidemill::core {

tl::unexpected<Error> failErrno(int errnoValue, std::string what) {
    const bool full = errnoValue == ENOSPC || errnoValue == EDQUOT;
    return fail(full ? ErrorKind::kNoSpace : ErrorKind::kIo,
                std::move(what) + ": " + std::generic_category().message(errnoValue));
}

}  // namespace tidemill::core
