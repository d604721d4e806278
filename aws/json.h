// Answers in JSON, read strictly: what is not as expected is said once, and nothing behind it
// counts.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"

namespace tidemill::aws {

// An object of an answer. A member that is null is one that is not there. Thread safety:
// externally synchronized; views live as long as the JsonAnswer.
class JsonObject {
public:
    JsonObject(simdjson::dom::object object, std::string& wrong)
        : object_(object), wrong_(&wrong) {}

    // Nothing: it is not there, or it is wrong.
    std::optional<std::string_view> text(const char* name, std::size_t bytesMax);
    std::optional<JsonObject> object(const char* name);
    // Whole, or with a fraction, that is cut.
    std::optional<std::int64_t> integer(const char* name);
    // Of seconds, as AWS writes times.
    std::optional<std::int64_t> millis(const char* name);

    // Empty, or 0, when it is wrong.
    std::string_view requiredText(const char* name, std::size_t bytesMax);
    std::int64_t requiredMillis(const char* name);

    // Calls f(JsonObject) for each element of a list of at most so many; of one that is not there,
    // never. Stops when something is wrong.
    template <class F>
    void each(const char* name, std::size_t elementsMax, F f) {
        auto list = array(name, elementsMax);
        if (!list) return;
        for (const auto element : *list) {
            simdjson::dom::object object;
            if (element.get_object().get(object) != simdjson::SUCCESS)
                return fault(name, "holds what is no object");
            f(JsonObject(object, *wrong_));
            if (!wrong_->empty()) return;
        }
    }

    // The first that is said counts.
    void fault(const char* name, const std::string& what);

private:
    std::optional<simdjson::dom::element> find(const char* name);
    std::optional<simdjson::dom::array> array(const char* name, std::size_t elementsMax);
    std::optional<double> number(const char* name);

    simdjson::dom::object object_;
    std::string* wrong_;
};

// A whole answer, which is an object.
class JsonAnswer {
public:
    // Errors: kCorrupt.
    core::Result<JsonObject> parse(std::string_view text);
    // The error when something read of it was wrong.
    core::Result<> checked() const;

private:
    simdjson::dom::parser parser_;
    std::string wrong_;
};

// Standard base64 with padding; nothing when it is not.
std::optional<std::string> decodeBase64(std::string_view text);
std::string encodeBase64(std::string_view bytes);

// `text` as a JSON string, quotes included.
std::string jsonText(std::string_view text);

}  // namespace tidemill::aws
