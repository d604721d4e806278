#include "core/peer_wait.h"

#include <algorithm>

#include "core/graph.h"

namespace tidemill::core {

void limitPeerWaits(const Graph& graph, std::chrono::nanoseconds grace) {
    for (const auto& output : graph.outputs())
        if (auto* waiting = dynamic_cast<WaitsForPeer*>(output.get())) waiting->waitAtMost(grace);
}

bool anyWaitsForPeer(const Graph& graph) {
    return std::any_of(graph.outputs().begin(), graph.outputs().end(), [](const auto& output) {
        const auto* waiting = dynamic_cast<const WaitsForPeer*>(output.get());
        return waiting != nullptr && waiting->peerWait().has_value();
    });
}

}  // namespace tidemill::core
