// Inflates gzip as it arrives, up to a limit. Private to sources/http/.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace tidemill::sources::http {

// One or several gzip members behind each other. Thread safety: externally synchronized.
class Gunzip {
public:
    Gunzip();
    ~Gunzip();

    enum class Outcome {
        kTaken,
        kTooLarge,  // more than `bytesMax` come out: no more was inflated than that
        kDamaged,   // see damage()
    };
    // Appends to `out`, which never grows beyond `bytesMax`. Once it was not kTaken, take no more.
    Outcome take(std::string_view bytes, std::string& out, std::size_t bytesMax);

    // What was taken ends where a member does.
    bool isComplete() const { return isComplete_; }
    // In zlib's words.
    std::string damage() const;

private:
    struct Stream;
    std::unique_ptr<Stream> stream_;
    bool isComplete_ = false;
};

}  // namespace tidemill::sources::http
