// The HTTP source of a network service. Private to sources/.
#pragma once

#include <memory>

#include "core/ids.h"
#include "core/source.h"
#include "sources/network_service.h"

namespace tidemill::sources::http {

// Ends with its owner.
std::unique_ptr<ListeningReceiver> makeHttpSource(std::shared_ptr<Network> network,
                                                  core::SourceId source, HttpListen listen,
                                                  core::SourceObserver* observer);

}  // namespace tidemill::sources::http
