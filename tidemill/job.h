// What a program has declared: streams, sources, stateful operators, outputs. Complete once the
// context starts.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/block.h"
#include "core/block_log.h"
#include "core/buffer_pool.h"
#include "core/error.h"
#include "core/file_system.h"
#include "core/graph.h"
#include "core/rate.h"
#include "core/replayable_source.h"
#include "core/source.h"
#include "state/operators/bound_table.h"

namespace tidemill {

namespace sources {
class NetworkService;
}
namespace state {
class StateStore;
}

// What a live source is made with, at start.
struct SourceEnvironment {
    core::SourceId id;
    core::BlockLog& log;
    sources::NetworkService& network;
    core::SourceObserver* observer;
    std::string label;  // what messages call it
    std::shared_ptr<core::BufferPool> buffers;
    // Longer records are skipped and counted; blocks grow up to this.
    std::size_t recordBytesMax = 0;
    std::size_t blockBytesMax = 0;
};

struct SourceDeclaration {
    // "socketTextStream"; another kind of source makes another job.
    std::string kind;
    // The type of the elements as the log holds them; empty: text. Another one makes another job.
    std::string elements;
    // "socketTextStream dials localhost:9999"
    std::string description;
    // The program's or job file's own; empty: none. An operator's orders are kept under it.
    std::string name;
    // What messages call it; empty: "source 0 (socketTextStream)".
    std::string label;
    core::Framing framing = core::Framing::kLines;
    // Its records are text: lines, or what may go on over line ends.
    bool isText = true;
    // What the names of its lanes begin with (core/lanes.h), when no other source may have it: two
    // would take from each other.
    std::string lanes;
    // More is left at the peer, or for later batches. Of replayable sources in bytes.
    std::optional<Rate> maxRate;
    // For live sources.
    std::function<core::Result<std::shared_ptr<core::Source>>(const SourceEnvironment&)> receive;
    // For sources whose input is ranges, not blocks in the log.
    std::shared_ptr<core::ReplayableSource> replayable;
};

struct StateDeclaration {
    std::string name;
    // Kind and stored types; see core::OperatorEntry.
    std::string signature;
    // Called once at start, before any batch.
    std::function<void(state::StateStore&, core::OperatorId, const state::OperatorStart&)> bind;
    // How long a key may be idle; zero: for ever.
    Duration lifetime{0};
    // Changes with the states that a new operator begins with; 0: none.
    std::uint64_t initialStates = 0;
    // Else its name is derived from the order of the declarations.
    bool isNamed = true;
    // The operator that makes the state; set when that has been added to the graph.
    const core::Node* node = nullptr;
};

// Thread safety: externally synchronized.
struct Job {
    // Of outputs and file sources.
    core::FileSystem* files = &core::posixFileSystem();
    core::Graph graph;
    std::vector<SourceDeclaration> sources;
    std::vector<StateDeclaration> states;
    // Of batches.
    Duration interval{1000};
    // Of each remembered stream.
    std::size_t rememberedBytesMax = 256 << 20;
    // The program looks at remembered batches: that is an output of its own.
    bool remembers = false;
    // All operators have details (see Node::detail), so that those that look alike are alike.
    bool stepsAreDetailed = false;
    std::atomic<bool> started = false;

    core::SourceId addSource(SourceDeclaration source) {
        sources.push_back(std::move(source));
        return core::SourceId(static_cast<std::uint32_t>(sources.size() - 1));
    }

    // How far batches of the stream lie apart.
    Duration slideOf(const core::Node& node) const {
        return node.slide() == Duration(0) ? interval : node.slide();
    }

    // "KIND-1", "KIND-2" …: a name for a stateful operator that the program gave none. The same
    // program derives the same names.
    std::string stableName(std::string_view kind);

    // Of sources and stateful operators; functions and outputs are no part of it, so that a mended
    // function can go on with what its predecessor left.
    std::uint64_t fingerprint() const;

    // That of the batch in which these operators, by their places in `states`, are new and take
    // their initial states; fingerprint() when they have none.
    std::uint64_t beginFingerprint(const std::vector<bool>& isNew) const;

    // Of the kinds of all operators and how they hang together, and of `version`: what a batch that
    // was shown must be run again with. Functions themselves cannot be compared.
    std::uint64_t steps(std::string_view version) const;

    // Of each source a line with what the fingerprint takes of it: "queueStream of i32".
    std::string sourceKinds() const;

    // Errors (kInvalid): no source, nothing that wants a result, a stateful operator with an empty
    // or too long name, two of one name, two outputs that write to one place.
    core::Result<> validate() const;

    // The job as lines a person can read.
    std::string describe() const;

private:
    std::map<std::string, unsigned, std::less<>> unnamed_;  // so far, by kind
};

// Throws std::logic_error when the job has started: streams cannot be added then.
void requireNotStarted(const Job& job, const char* operation);

}  // namespace tidemill
