#include "tools/listen_conflicts.h"

#include <arpa/inet.h>

#include <array>
#include <cstring>
#include <optional>

namespace tidemill::tools {
namespace {

// IPv4 addresses as IPv6 sees them.
using Address = std::array<unsigned char, 16>;
constexpr Address kAny6{};
constexpr Address kAny4{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};

bool isIpv4(const Address& address) { return std::memcmp(address.data(), kAny4.data(), 12) == 0; }

std::optional<Address> parse(const std::string& text) {
    Address address = kAny4;
    if (text == "localhost") return parse("127.0.0.1");
    if (::inet_pton(AF_INET, text.c_str(), address.data() + 12) == 1) return address;
    if (::inet_pton(AF_INET6, text.c_str(), address.data()) == 1) return address;
    return std::nullopt;
}

bool takesIn(const Address& wildcard, const Address& other) {
    return wildcard == kAny6 || (wildcard == kAny4 && isIpv4(other));
}

}  // namespace

bool overlap(const std::string& one, const std::string& other) {
    const auto a = parse(one);
    const auto b = parse(other);
    if (!a || !b) return one == other;
    return *a == *b || takesIn(*a, *b) || takesIn(*b, *a);
}

bool isAddress(const std::string& host) { return parse(host).has_value(); }

bool isThisMachine(const std::string& host) {
    const auto address = parse(host);
    if (!address) return false;
    if (isIpv4(*address)) return (*address)[12] == 127;
    in6_addr six{};
    std::memcpy(&six, address->data(), sizeof six);
    return IN6_IS_ADDR_LOOPBACK(&six);
}

}  // namespace tidemill::tools
