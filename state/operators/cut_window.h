// Windows of a function without an inverse. Panes are cut into spans as long as a window; a window
// is the end of one span and the beginning of the next. Of the older span every pane knows, for
// each of its keys, what the panes behind it come to (made once, when the span is complete); of
// the newer one a running aggregate is kept. So each value is reduced about three times, however
// long the window, and always in the same grouping: spans lie at fixed pane numbers. After M. van
// Herk 1992, and J. Gil, M. Werman 1993, for running minima.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "state/operators/keyed_window.h"

namespace tidemill::state {

// A row of the result: what the older and the newer span add to the window, encoded.
struct CutRow {
    std::optional<std::string_view> older, newer;

    void encode(std::string& into) const {
        core::ByteWriter out;
        out.u8(static_cast<std::uint8_t>((older ? 1 : 0) | (newer ? 2 : 0)));
        if (older) out.string(*older);
        if (newer) out.string(*newer);
        into += out.bytes();
    }
    static CutRow decode(std::string_view bytes) {
        core::ByteReader in(bytes);
        const auto parts = in.u8();
        CutRow row;
        if (parts & 1) row.older = in.string(bytes.size());
        if (parts & 2) row.newer = in.string(bytes.size());
        if (!in.finished() || (!row.older && !row.newer))
            throw core::TaskFailure(
                core::Error{core::ErrorKind::kCorrupt, "a stored window result does not parse"});
        return row;
    }
};

template <class V, class F>
struct CutWindow {
    F function;

    core::FunctionIdentity identity() const { return core::identityOf(function); }

    // What the window comes to, from a row of the result.
    struct Value {
        F function;
        V operator()(ValueKind, std::string_view bytes) const {
            const auto row = CutRow::decode(bytes);
            if (!row.older) return valueFrom<V>(ValueKind::kBytes, *row.newer);
            const V older = valueFrom<V>(ValueKind::kBytes, *row.older);
            if (!row.newer) return older;
            const V newer = valueFrom<V>(ValueKind::kBytes, *row.newer);
            return std::invoke(function, older, newer);
        }
    };

    static constexpr const char* kForm = "cut";
    static constexpr const char* kRows = "older_newer";
    static constexpr bool kStoresPanes = true;
    using Entry = PaneEntry<V>;

    V reduced(const V& held, const V& entering) const {
        return std::invoke(function, held, entering);
    }

    class Range {
    public:
        Range(const CutWindow& window, const WindowTimes& times, StateRange& result,
              StateRange& panes)
            : window_(window), times_(times), result_(result), panes_(panes) {}

        core::Result<> leave(std::uint64_t last) {
            TM_TRY(findNewest());
            if (newest_ != 0 && times_.spanOf(newest_) < times_.spanOf(last)) {
                const auto span = times_.spanOf(newest_);
                // Of spans before it all has left when it is complete, or leaves now.
                TM_TRY(removeBefore(times_.firstOfSpan(span)));
                TM_TRY(cut(span));
                newest_ = 0;
            }
            return removeBefore(times_.leftBy(last) + 1);
        }

        core::Result<> enter(std::uint64_t pane, std::uint32_t number,
                             std::span<const Entry> entries, std::string_view bytes) {
            TM_TRY(panes_.put(pane, kUncut + std::string(bytes), number));
            newest_ = pane;
            return changeRows(
                result_, entries, [&](const Entry& entering, auto before, auto& after) {
                    CutRow row;
                    if (before) row = CutRow::decode(*before);
                    const std::string newer =
                        encoded(row.newer ? window_.reduced(decoded(*row.newer), entering.value)
                                          : entering.value);
                    row.newer = newer;
                    row.encode(after);
                    return RowChange::kPut;
                });
        }

        core::Result<> slid() { return {}; }

    private:
        static constexpr char kUncut = 'u';  // pairs of key and value
        // Numbers of the rows of kCut, behind those of kUncut.
        static constexpr std::uint32_t kFirstCut = std::uint32_t{1} << 31;
        static constexpr char kCut = 'c';  // of key and one byte, 1 and the later panes' value or 0

        static V decoded(std::string_view bytes) { return valueFrom<V>(ValueKind::kBytes, bytes); }
        static std::string encoded(const V& value) {
            std::string bytes;
            core::ValueCodec<V>::encode(value, bytes);
            return bytes;
        }

        // After a start: the newest pane that entered, unless its span is cut.
        core::Result<> findNewest() {
            if (std::exchange(searched_, true)) return {};
            return panes_.visit(0, std::numeric_limits<std::uint64_t>::max(),
                                [&](std::uint64_t pane, std::string_view bytes) {
                                    if (bytes.starts_with(kUncut)) newest_ = pane;
                                    return core::Result<>();
                                });
        }

        // The span is complete: its panes learn what lies behind them, the result forgets the
        // running aggregate for what all of them come to. A span that does not fit into memory is
        // cut for a share of its keys at a time.
        core::Result<> cut(std::uint64_t span) {
            const auto first = times_.firstOfSpan(span), end = times_.firstOfSpan(span + 1);
            std::map<std::uint64_t, std::uint32_t> uncut, cut;  // pane -> rows
            std::size_t bytesOfAll = 0;
            TM_TRY(panes_.visit(first, end, [&](std::uint64_t pane, std::string_view bytes) {
                ++uncut[pane];
                bytesOfAll += bytes.size();
                return core::Result<>();
            }));
            const std::size_t scans = bytesOfAll / panes_.limits().scanBytes + 1;
            for (std::size_t scan = 0; scan < scans; ++scan)
                TM_TRY(cutScan(first, end, scans, scan, cut));
            for (const auto& [pane, rows] : uncut)
                for (std::uint32_t number = 0; number < rows; ++number)
                    TM_TRY(panes_.remove(pane, number));
            return {};
        }

        core::Result<> cutScan(std::uint64_t first, std::uint64_t end, std::size_t scans,
                               std::size_t scan, std::map<std::uint64_t, std::uint32_t>& cut) {
            std::vector<std::pair<std::uint64_t, std::string>> uncut;
            TM_TRY(panes_.visit(
                first, end, [&](std::uint64_t pane, std::string_view bytes) -> core::Result<> {
                    if (!bytes.starts_with(kUncut)) return {};
                    TM_ASSIGN(auto pairs, pairsOfScan(bytes.substr(1), scans, scan));
                    if (!pairs.empty()) uncut.emplace_back(pane, std::move(pairs));
                    return {};
                }));
            std::unordered_map<std::string_view, std::string> behind;
            for (auto at = uncut.rbegin(); at != uncut.rend(); ++at) {
                TM_ASSIGN(const auto pairs, readPanePairs(at->second));
                PanePairs later(panes_.limits().pieceBytes);
                for (const auto& pair : pairs) {
                    const auto [known, isFirst] = behind.try_emplace(pair.key, pair.value);
                    later.add(pair.key, isFirst ? std::string(1, '\0') : '\1' + known->second);
                    if (!isFirst)
                        known->second =
                            encoded(window_.reduced(decoded(pair.value), decoded(known->second)));
                }
                for (const auto& piece : later.pieces())
                    TM_TRY(panes_.put(at->first, kCut + piece, kFirstCut + cut[at->first]++));
            }
            std::vector<PanePair> all;
            for (const auto& [key, value] : behind) all.push_back({key, value});
            return changeRows(result_, std::span<const PanePair>(all),
                              [](const PanePair& pair, auto, auto& after) {
                                  CutRow{pair.value, std::nullopt}.encode(after);
                                  return RowChange::kPut;
                              });
        }

        // Panes before `end` leave; their spans are cut.
        core::Result<> removeBefore(std::uint64_t end) {
            if (end <= 1) return {};
            TM_TRY(
                panes_.visit(0, end, [&](std::uint64_t, std::string_view bytes) -> core::Result<> {
                    TM_ASSIGN(const auto pairs, readPanePairs(bytes.substr(1)));
                    return changeRows(result_, std::span(pairs),
                                      [](const PanePair& pair, auto before, auto& after) {
                                          if (!before) return RowChange::kKeep;
                                          CutRow row = CutRow::decode(*before);
                                          row.older.reset();
                                          if (pair.value.starts_with('\1'))
                                              row.older = pair.value.substr(1);
                                          if (!row.older && !row.newer) return RowChange::kRemove;
                                          row.encode(after);
                                          return RowChange::kPut;
                                      });
                }));
            return panes_.removeBefore(end);
        }

        CutWindow window_;
        const WindowTimes& times_;
        StateRange& result_;
        TimeRows panes_;
        std::uint64_t newest_ = 0;  // pane of the span that is not cut yet; 0: none
        bool searched_ = false;
    };
};

}  // namespace tidemill::state
