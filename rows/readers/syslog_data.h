// The structured data of RFC 5424: [id name="value" name="value"][id ...]
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tidemill::rows {

// Thread safety: worker-confined.
class SyslogData {
public:
    // Reads the elements that `text` begins with and answers what is behind them in `text`; `json`,
    // when not null, gets them as one JSON object. On an error `wrong` says what, and the answer
    // begins where it is.
    std::string_view read(std::string_view text, std::string* json, const char*& wrong);

private:
    struct Value {
        std::string_view name;
        std::string_view text;  // with its escapes
    };
    void appendElement(std::string_view id, std::string& json);

    std::vector<Value> values_;  // of one element
    std::vector<std::string_view> ids_;
    std::string plain_;
};

}  // namespace tidemill::rows
