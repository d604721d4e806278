// The Flume source of a network service. Private to sources/.
#pragma once

#include <memory>

#include "core/error.h"
#include "core/ids.h"
#include "core/source.h"
#include "sources/flume/flume_options.h"
#include "sources/network_service.h"

namespace tidemill::sources::flume {

inline constexpr std::size_t kRequestBytesMin = 1 << 10;
inline constexpr std::size_t kRequestBytesMost = 16 << 20;
inline constexpr std::size_t kRequestEventsMost = 1'000'000;
inline constexpr std::size_t kHeaderBytesMost = 1 << 20;

// Errors (kInvalid): a limit that cannot be.
core::Result<> checkOptions(const FlumeOptions& options);

// Bytes of the receive budget that a request may take.
std::size_t budgetFor(const FlumeOptions& options);

// Ends with its owner.
std::unique_ptr<ListeningReceiver> makeFlumeSource(std::shared_ptr<Network> network,
                                                   core::SourceId source, FlumeListen listen,
                                                   core::SourceObserver* observer);

}  // namespace tidemill::sources::flume
