#include "rows/readers/json_index.h"

#include <simdjson.h>

#include "core/check.h"

namespace tidemill::rows {

struct JsonIndex::Parser {
    std::unique_ptr<simdjson::internal::dom_parser_implementation> stage;
};

JsonIndex::JsonIndex() : parser_(std::make_unique<Parser>()) {
    const auto error = simdjson::get_active_implementation()->create_dom_parser_implementation(
        kTextBytes, 1, parser_->stage);
    TM_CHECK(error == simdjson::SUCCESS, "memory for an index of JSON");
}

JsonIndex::~JsonIndex() = default;

const char* JsonIndex::build(std::string_view text) {
    auto& stage = *parser_->stage;
    if (text.size() > stage.capacity() && stage.set_capacity(text.size()) != simdjson::SUCCESS)
        return "it is too long";
    const auto error = stage.stage1(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(),
                                    simdjson::stage1_mode::regular);
    switch (error) {
        case simdjson::SUCCESS: return nullptr;
        case simdjson::EMPTY: return "it is empty";
        case simdjson::UTF8_ERROR: return "it is not UTF-8";
        case simdjson::UNCLOSED_STRING: return "a string is not closed";
        case simdjson::UNESCAPED_CHARS: return "a control byte is in a string";
        default: return simdjson::error_message(error);
    }
}

std::span<const std::uint32_t> JsonIndex::tokens() const {
    const auto& stage = *parser_->stage;
    return {stage.structural_indexes.get(), stage.n_structural_indexes};
}

void JsonIndex::shrink() {
    auto& stage = *parser_->stage;
    if (stage.capacity() > kTextBytes)
        TM_CHECK(stage.set_capacity(kTextBytes) == simdjson::SUCCESS,
                 "memory for an index of JSON");
}

}  // namespace tidemill::rows
