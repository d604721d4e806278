#include "sources/flume/protocol.h"

namespace tidemill::sources::flume {

std::string looksLike(std::string_view first, FlumeProtocol expected) {
    if (first.starts_with("\x16\x03")) return "; they look like TLS, which is not spoken here";
    if (first.starts_with("GET ") || first.starts_with("POST"))
        return "; they look like HTTP: a source of type \"http\" takes that";
    const bool isThrift = expected == FlumeProtocol::kThrift;
    if (!isThrift && first.size() >= 6 && first.substr(4).starts_with("\x82\x21"))
        return "; they look like a Thrift sink's: protocol = \"thrift\" takes that";
    if (isThrift && first.size() > 4 && first.substr(4, 3).find_first_not_of('\0') == first.npos)
        return "; they look like an Avro sink's: protocol = \"avro\" takes that";
    if (first.starts_with("\x78"))
        return "; they look compressed: set compression-type = none in the agent's sink";
    return {};
}

}  // namespace tidemill::sources::flume
