#include "tools/dead_letter_file.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/logging.h"

namespace tidemill::tools {

namespace fs = std::filesystem;
using core::ErrorKind;
using core::fail;
using core::Result;
using nlohmann::json;

namespace {

constexpr std::size_t kShownBytes = 80;
constexpr DeadLetter::Kind kRecordKinds[] = {DeadLetter::Kind::kElement, DeadLetter::Kind::kLine,
                                             DeadLetter::Kind::kBeginning, DeadLetter::Kind::kRow};

// Takes fields out of one line; the first that does not fit is the error.
class Fields {
public:
    Fields(const json& object, std::string place) : object_(object), place_(std::move(place)) {}

    template <class Number>
    void number(const char* name, Number& into, bool isRequired = false) {
        const json* const value = find(name, isRequired);
        if (value == nullptr) return;
        // A number that does not fit would be another one.
        const auto fits = std::is_unsigned_v<Number>
                              ? value->is_number_unsigned()
                              : value->is_number_integer() &&
                                    (!value->is_number_unsigned() ||
                                     value->get<std::uint64_t>() <= std::uint64_t{INT64_MAX});
        if (fits) into = value->get<Number>();
        else
            misfit(name,
                   std::is_unsigned_v<Number> ? "a whole number, not negative" : "a whole number",
                   *value);
    }

    void text(const char* name, std::string& into, bool isRequired = false) {
        const json* const value = find(name, isRequired);
        if (value == nullptr) return;
        if (value->is_string()) into = value->get<std::string>();
        else misfit(name, "a text", *value);
    }

    bool has(const char* name) const { return object_.contains(name); }

    void wrong(std::string what) {
        if (!error_)
            error_ = core::Error{ErrorKind::kCorrupt, "a damaged dead letter: " + what + place_};
    }
    const std::optional<core::Error>& error() const { return error_; }

private:
    const json* find(const char* name, bool isRequired) {
        const auto found = object_.find(name);
        if (found != object_.end()) return &*found;
        if (isRequired) wrong("field \"" + std::string(name) + "\" is missing");
        return nullptr;
    }
    void misfit(const char* name, const char* wanted, const json& value) {
        wrong("field \"" + std::string(name) + "\" must be " + wanted + ", but is " +
              core::escaped(value.dump(), kShownBytes));
    }

    const json& object_;
    const std::string place_;
    std::optional<core::Error> error_;
};

}  // namespace

std::string_view toString(DeadLetter::Kind kind) {
    switch (kind) {
        case DeadLetter::Kind::kElement: return "element";
        case DeadLetter::Kind::kLine: return "line";
        case DeadLetter::Kind::kBeginning: return "beginning";
        case DeadLetter::Kind::kRow: return "row";
        case DeadLetter::Kind::kCount: return "count";
    }
    return "element";
}

Result<DeadLetter> parseDeadLetter(const std::string& line, const fs::path& file,
                                   std::uint64_t number) {
    const std::string place = ": file=" + file.string() + " line=" + std::to_string(number);
    const auto object = json::parse(line, nullptr, false);
    if (!object.is_object())
        return fail(ErrorKind::kCorrupt, "a damaged dead letter: \"" +
                                             core::escaped(line, kShownBytes) +
                                             "\" is no JSON object" + place);
    Fields fields(object, place);
    DeadLetter letter;
    fields.number("batch", letter.batch, true);
    fields.number("time_ms", letter.timeMillis, true);
    if (fields.has("not_kept")) {
        letter.kind = DeadLetter::Kind::kCount;
        fields.number("not_kept", letter.notKept);
    } else {
        std::string kind;
        fields.text("kind", kind, true);
        const auto* const found =
            std::find_if(std::begin(kRecordKinds), std::end(kRecordKinds),
                         [&](DeadLetter::Kind known) { return toString(known) == kind; });
        if (found != std::end(kRecordKinds)) letter.kind = *found;
        else
            fields.wrong("field \"kind\" is \"" + core::escaped(kind, kShownBytes) +
                         "\", which is none of element, line, beginning, row");
        fields.text("operation", letter.operation, true);
        fields.text("record", letter.record, true);
        fields.text("error", letter.error);
    }
    if (fields.error()) return fail(*fields.error());
    return letter;
}

Result<std::vector<fs::path>> deadLetterFiles(const std::string& dataDirectory,
                                              std::uint64_t batch) {
    std::error_code error;
    if (!fs::is_directory(dataDirectory, error))
        return fail(ErrorKind::kNotFound, "no data directory: path=" + dataDirectory);
    std::vector<fs::path> files;
    const fs::path directory = fs::path(dataDirectory) / "dead_letters";
    if (!fs::exists(directory, error)) return files;
    const auto isOfBatch = [&](const std::string& name) {
        std::uint64_t number = 0;
        const char* const end = name.data() + name.size();
        const auto parsed = std::from_chars(name.data(), end, number);
        return parsed.ec == std::errc() && parsed.ptr == end && number == batch;
    };
    for (const auto& entry : fs::directory_iterator(directory, error))
        if (entry.path().extension() == ".jsonl" &&
            (batch == 0 || isOfBatch(entry.path().stem().string())))
            files.push_back(entry.path());
    if (error)
        return fail(ErrorKind::kIo,
                    "cannot be listed: path=" + directory.string() + ": " + error.message());
    std::sort(files.begin(), files.end());
    return files;
}

Result<> forEachDeadLetter(const fs::path& file,
                           const std::function<bool(const DeadLetter&)>& visit) {
    std::ifstream in(file);
    if (!in) return fail(ErrorKind::kIo, "cannot be read: file=" + file.string());
    std::uint64_t number = 0;
    for (std::string line; std::getline(in, line);) {
        TM_ASSIGN(const auto letter, parseDeadLetter(line, file, ++number));
        if (!visit(letter)) return {};
    }
    if (in.bad()) return fail(ErrorKind::kIo, "cannot be read: file=" + file.string());
    return {};
}

}  // namespace tidemill::tools
