// Errors of the outside world: disk, network, damaged bytes, bad user input.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace tidemill::core {

enum class ErrorKind {
    kIo,           // a system call failed; the message carries its name and errno text
    kNoSpace,      // the disk is full, or the reserve kept free on it is touched
    kCorrupt,      // bytes on disk or on the wire are not what their checksum or grammar says
    kInvalid,      // a user's input is wrong: configuration, job file, argument
    kNotFound,     // the named thing does not exist
    kConflict,     // somebody else holds it, it belongs to another job, or it is not what it was
    kUnsupported,  // a format or feature newer than this build
    kUserCode,     // a user's function threw
};

// What went wrong, as a sentence a person can act on: what failed, where, and the values.
struct Error {
    ErrorKind kind = ErrorKind::kIo;
    std::string message;
    // Starting again mends it: stored state was damaged, and the next start looks for a sound copy.
    bool heals = false;
};

template <class T = void>
using Result = tl::expected<T, Error>;

// fail(kCorrupt, "wal frame checksum mismatch: file=… offset=…"): the error arm of any Result.
[[nodiscard]] inline tl::unexpected<Error> fail(ErrorKind kind, std::string message) {
    return tl::unexpected<Error>(Error{kind, std::move(message)});
}
[[nodiscard]] inline tl::unexpected<Error> fail(Error error) {
    return tl::unexpected<Error>(std::move(error));
}

// "pwrite failed: file=PATH: No space left on device"; ENOSPC and EDQUOT give kNoSpace, else kIo.
[[nodiscard]] tl::unexpected<Error> failErrno(int errnoValue, std::string what);

}  // namespace tidemill::core

// Returns the error of a Result<…> expression to the caller, or goes on.
#define TM_TRY(expression)                                             \
    do {                                                               \
        if (auto tmTried = (expression); !tmTried)                     \
            return ::tidemill::core::fail(std::move(tmTried.error())); \
    } while (false)

#define TM_CONCAT_(a, b) a##b
#define TM_CONCAT(a, b) TM_CONCAT_(a, b)

// TM_ASSIGN(auto size, file->sizeBytes()): binds the value, or returns the error to the caller.
#define TM_ASSIGN(binding, expression) \
    TM_ASSIGN_(TM_CONCAT(tmResult, __LINE__), binding, expression)
#define TM_ASSIGN_(name, binding, expression)                          \
    auto name = (expression);                                          \
    if (!name) return ::tidemill::core::fail(std::move(name.error())); \
    binding = std::move(*name)
