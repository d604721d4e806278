// JSON lines as an output of job files: one object for each element.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "core/batch_directory.h"
#include "tidemill/tidemill.h"
#include "tools/json.h"

namespace tidemill::tools {

inline void appendJsonFields(std::string& out, std::string_view text) {
    appendJsonBytes(out, "value", text);
}
inline void appendJsonFields(std::string& out,
                             const std::pair<std::string_view, std::int64_t>& pair) {
    appendJsonBytes(out, "key", pair.first);
    out += ", \"value\": " + std::to_string(pair.second);
}

// To "stdout": {"batch": 7, "time": 1000, "key": …, "value": …}, so that a batch that comes twice
// after a crash can be told. To a directory: one file BATCH.jsonl for each batch, which appears
// whole and once.
template <class T>
class JsonLines final : public core::OutputOperation {
public:
    // append(out, element) writes the element's `"name": value, …`.
    using Append = std::function<void(std::string& out, const T& element)>;
    JsonLines(std::shared_ptr<core::StreamNode<T>> node, std::string path, Append append)
        : node_(std::move(node)), path_(std::move(path)), append_(std::move(append)) {
        node_->require();
    }

    std::string describe() const override { return "json_lines path=" + path_; }

    core::Result<> prepareNew() override {
        if (toStdout()) return {};
        auto& files = core::posixFileSystem();
        TM_TRY(files.createDirectory(path_));
        TM_ASSIGN(const auto names, files.list(path_));
        if (names.empty()) return {};
        return core::fail(core::ErrorKind::kConflict,
                          "the data directory is new, but the directory for its JSON lines holds "
                          "files already: path=" + path_);
    }

    void run(core::BatchRun& run) override {
        if (!run.isActive(node_->slide())) return;
        Batch<T> batch(*node_, run);
        std::string prefix = "{";
        if (toStdout())
            prefix += "\"batch\": " + std::to_string(batch.id()) +
                      ", \"time\": " + std::to_string(toMillis(batch.time())) + ", ";
        std::string text;
        batch.forEach([&](const T& element) {
            text += prefix;
            append_(text, element);
            text += "}\n";
        });
        if (toStdout()) return core::writeOut(std::cout, text);
        char name[32];
        std::snprintf(name, sizeof name, "%020llu.jsonl",
                      static_cast<unsigned long long>(batch.id()));
        core::orThrow(core::publishOnce(core::posixFileSystem(), core::Path(path_) / name, text));
    }

private:
    bool toStdout() const { return path_ == "stdout"; }

    std::shared_ptr<core::StreamNode<T>> node_;
    std::string path_;
    Append append_;
};

template <class T>
void saveAsJsonLines(const DStream<T>& stream, const std::string& path,
                     typename JsonLines<T>::Append append) {
    stream.job()->graph.addOutput(
        std::make_unique<JsonLines<T>>(stream.node(), path, std::move(append)));
}

}  // namespace tidemill::tools
