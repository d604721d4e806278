// expect: of a class that owns its bytes, say so with tidemill::kOwnsItsBytes
#include "tidemill/tidemill.h"

using namespace tidemill;

class Token {
public:
    explicit Token(std::string_view text) : text_(text) {}

private:
    std::string_view text_;
};

void declare(DStream<std::string> words) {
    words.map([](std::string word) { return Token(word); });
}
