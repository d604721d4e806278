#include "sources/network_service.h"

#include <sys/resource.h>

#include <utility>

#include "core/logging.h"
#include "sources/flume/flume_source.h"
#include "sources/http/http_source.h"
#include "sources/network.h"
#include "sources/text_receiver.h"

namespace tidemill::sources {
namespace {

// Below this a listening receiver's default cap cannot be reached.
constexpr rlim_t kDescriptorsWanted = 1'024 + 256;

void raiseDescriptorLimit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) ::getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur < kDescriptorsWanted)
        core::logWarning("only " + std::to_string(limit.rlim_cur) +
                         " files may be open at once (RLIMIT_NOFILE): connections beyond will be "
                         "refused");
}

core::Result<> check(const NetworkOptions& options) {
    const auto refuse = [](const char* what, std::size_t value, const char* range) {
        return core::fail(
            core::ErrorKind::kInvalid,
            std::string(what) + " is " + std::to_string(value) + "; expected " + range);
    };
    if (options.recordBytesMax == 0 || options.recordBytesMax > kRecordBytesMaxMax)
        return refuse("max_record_bytes", options.recordBytesMax, "1 byte to 32 MiB");
    if (options.blockBytesMax < core::BufferPool::kSmallestBytes ||
        options.blockBytesMax > core::BufferPool::kLargestBytes)
        return refuse("the largest block", options.blockBytesMax, "4 KiB to 64 MiB");
    return {};
}

}  // namespace

core::Result<std::unique_ptr<NetworkService>> NetworkService::make(
    core::BlockLog& log, std::shared_ptr<core::BufferPool> pool, NetworkOptions options) {
    TM_TRY(check(options));
    raiseDescriptorLimit();
    auto network = std::make_shared<Network>(log, std::move(pool), options);
    network->start();
    return std::unique_ptr<NetworkService>(new NetworkService(std::move(network)));
}

NetworkService::NetworkService(std::shared_ptr<Network> network) : network_(std::move(network)) {}

NetworkService::~NetworkService() { network_->shutdown(); }

std::unique_ptr<core::Source> NetworkService::dialText(core::SourceId source, DialOptions options,
                                                       core::SourceObserver* observer) {
    return makeDialingReceiver(network_, source, std::move(options), observer);
}

std::unique_ptr<ListeningReceiver> NetworkService::listenText(core::SourceId source,
                                                              ListenOptions options,
                                                              core::SourceObserver* observer) {
    return makeListeningReceiver(network_, source, std::move(options), observer);
}

std::unique_ptr<ListeningReceiver> NetworkService::listenHttp(core::SourceId source,
                                                              HttpListen listen,
                                                              core::SourceObserver* observer) {
    return http::makeHttpSource(network_, source, std::move(listen), observer);
}

std::unique_ptr<ListeningReceiver> NetworkService::listenFlume(core::SourceId source,
                                                               FlumeListen listen,
                                                               core::SourceObserver* observer) {
    return flume::makeFlumeSource(network_, source, std::move(listen), observer);
}

void NetworkService::flushOpenBlocks() { network_->loop().flushOpenBlocks(); }
void NetworkService::pause() { network_->pause(true); }
void NetworkService::resume() { network_->pause(false); }

}  // namespace tidemill::sources
