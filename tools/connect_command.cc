#include "tools/connect_command.h"

#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "core/secrets.h"
#include "tools/connect/ask_peers.h"
#include "tools/exit_code.h"
#include "tools/inspect_command.h"

namespace tidemill::tools {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLimit{10'000};

std::string inSeconds(milliseconds time) {
    return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time).count()) + " s";
}

core::PeerAnswer answerOf(const AskedPeer& asked) {
    return asked.answer.value_or(core::PeerAnswer{{}, {"no answer within " + inSeconds(kLimit)}});
}

core::PeerAnswer shown(core::PeerAnswer answer) {
    for (auto& fact : answer.facts) fact = core::withoutSecrets(fact);
    for (auto& trouble : answer.troubles) trouble = core::withoutSecrets(trouble);
    return answer;
}

std::string asText(const PeerToAsk& peer, const core::PeerAnswer& answer) {
    std::string text = peer.label + ": " + peer.what + "\n";
    for (const auto& fact : answer.facts) text += "  " + fact + "\n";
    for (const auto& trouble : answer.troubles) text += "  FAILS: " + trouble + "\n";
    return text;
}

std::string asJson(const PeerToAsk& peer, const AskedPeer& asked, const core::PeerAnswer& answer) {
    nlohmann::ordered_json object;
    object["peer"] = peer.label;
    object["what"] = peer.what;
    object["ok"] = answer.troubles.empty();
    object["answered"] = asked.answer.has_value();
    object["ms"] = asked.took.count();
    object["facts"] = answer.facts;
    object["troubles"] = answer.troubles;
    using Json = nlohmann::ordered_json;
    return object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string verdict(std::size_t peers, std::size_t failed) {
    if (peers == 0) return "the job has no peers to ask\n";
    return std::to_string(peers) + (peers == 1 ? " peer was asked, " : " peers were asked, ") +
           (failed == 0 ? std::string("nothing is in the way\n")
                        : std::to_string(failed) + " would keep the job from its work\n");
}

}  // namespace

int checkPeers(const JobFile& job, const std::shared_ptr<Job>& declared, bool json) {
    const auto known = readKnownDirectory(job.options.directory.string());
    if (!known) return sayFailure(known.error());
    auto peers = peersOf(job, declared, *known);
    for (auto& peer : peers) peer.what = core::withoutSecrets(peer.what);
    const auto all =
        askPeers(peers, known->identity, kLimit, [](const PeerToAsk& peer, milliseconds time) {
            std::fprintf(stderr, "%s has not answered for %s\n",
                         core::withoutSecrets(peer.label).c_str(), inSeconds(time).c_str());
        });
    std::size_t failed = 0;
    bool isLeft = false;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto answer = shown(answerOf(all[i]));
        failed += answer.troubles.empty() ? 0 : 1;
        isLeft = isLeft || !all[i].answer;
        put(json ? asJson(peers[i], all[i], answer) : asText(peers[i], answer));
    }
    if (!json) put(verdict(all.size(), failed));
    int code = finishOutput();
    if (code == kExitDone && failed != 0) code = kExitFailed;
    // A thread of it would meet what main() destroys.
    if (isLeft) ::_exit(code);
    return code;
}

}  // namespace tidemill::tools
