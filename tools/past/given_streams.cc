#include "tools/past/given_streams.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/output.h"
#include "rows/format/value_text.h"
#include "rows/outputs/scan_rows.h"
#include "tidemill/tidemill.h"
#include "tools/json_lines.h"

namespace tidemill::tools {
namespace {

// Of all elements that are held to be compared.
constexpr std::size_t kHeldBytesMax = 256 << 20;
// What an entry of a map takes beside its text, about.
constexpr std::size_t kEntryBytes = 96;

class Watching : public core::OutputOperation {
public:
    Watching(GivenStreams& streams, GivenElements& into) : streams_(streams), into_(into) {}
    std::string describe() const override { return "what " + into_.label + " gives"; }

protected:
    GivenStreams& streams_;
    GivenElements& into_;
};

template <class T>
class WatchElements final : public Watching {
public:
    WatchElements(GivenStreams& streams, GivenElements& into,
                  std::shared_ptr<core::StreamNode<T>> node)
        : Watching(streams, into), node_(std::move(node)) {
        node_->require();
    }

    core::Visibility run(core::BatchRun& run) override {
        into_.isActive = run.isActive(node_->slide());
        if (!into_.isActive) return core::Visibility::kNow;
        std::string object;
        Batch<T>(*node_, run).forEach([&](const T& element) {
            object = "{";
            appendJsonFields(object, element);
            object += '}';
            if constexpr (std::is_same_v<T, std::string_view>)
                streams_.take(into_, object, &element);
            else streams_.take(into_, object, nullptr);
        });
        return core::Visibility::kNow;
    }

private:
    const std::shared_ptr<core::StreamNode<T>> node_;
};

class WatchRows final : public Watching {
public:
    WatchRows(GivenStreams& streams, GivenElements& into, rows::RowStream stream)
        : Watching(streams, into), stream_(std::move(stream)) {
        stream_.node->require();
    }

    core::Visibility run(core::BatchRun& run) override {
        into_.isActive = run.isActive(stream_.node->slide());
        if (!into_.isActive) return core::Visibility::kNow;
        std::string object;
        rows::scanRows(
            *stream_.node, run, rows::kAllRows, [&](const rows::Chunk& chunk, std::size_t row) {
                object = "{";
                for (std::size_t i = 0; i < stream_.schema.size(); ++i) {
                    if (i != 0) object += ", ";
                    rows::appendJsonMember(object, stream_.schema[i].name, chunk.columns[i], row);
                }
                object += '}';
                streams_.take(into_, object, nullptr);
            });
        return core::Visibility::kNow;
    }

private:
    const rows::RowStream stream_;
};

bool hasValue(const std::string& object, const std::string& wanted) {
    const auto row = nlohmann::json::parse(object, nullptr, false);
    if (!row.is_object()) return false;
    for (const auto& [name, value] : row.items())
        if ((value.is_string() ? value.get<std::string>() : value.dump()) == wanted) return true;
    return false;
}

}  // namespace

void GivenStreams::take(GivenElements& into, const std::string& object,
                        const std::string_view* text) {
    ++into.count;
    const auto& key = options_.key;
    if (!key.empty()) {
        const bool has = text != nullptr ? text->find(key) != text->npos : hasValue(object, key);
        if (!has) return;
    }
    ++into.wanted;
    if (into.first.size() < options_.firstMax) into.first.push_back(object);
    if (!options_.holdsAll || !into.holdsAll) return;
    if (const auto known = into.all.find(object); known != into.all.end()) {
        ++known->second;
        return;
    }
    heldBytes_ += object.size() + kEntryBytes;
    into.holdsAll = heldBytes_ <= kHeldBytesMax;
    if (into.holdsAll) into.all.emplace(object, 1);
    else into.all.clear();
}

StreamObserver GivenStreams::observer() {
    return [this](const PlannedStream& stream) {
        auto& into = elements_.emplace_back();
        into.key = stream.key;
        into.label = stream.label;
        const auto add = [](Job& job, std::unique_ptr<core::OutputOperation> output) {
            job.graph.addOutput(std::move(output));
        };
        if (stream.text)
            add(*stream.text->job(), std::make_unique<WatchElements<std::string_view>>(
                                         *this, into, stream.text->node()));
        if (stream.counts)
            add(*stream.counts->job(),
                std::make_unique<WatchElements<std::pair<std::string_view, std::int64_t>>>(
                    *this, into, stream.counts->node()));
        if (stream.rows)
            add(*stream.rows->job, std::make_unique<WatchRows>(*this, into, *stream.rows));
    };
}

}  // namespace tidemill::tools
