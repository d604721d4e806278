// Records whose function threw: those that the job goes on without, or the one that ends it.
//
// What a batch may go on without:
//
//   why                               what         kept in                  a re-run
//   a function threw (`on_error`)     an element   BatchRecord::failedBefore leaves out the same
//                                                  of the next batch        elements
//   a start was told --skip-record    a record     skippedByOption          leaves it out
//   a start was told --skip-batch     all records  allSkippedByOption       has none
//   it is no record: a header line,   a row        nowhere                  finds it again
//   a line that is too long
//
// Each but the last is a dead letter when the job keeps these.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "core/batch_record.h"
#include "core/format.h"
#include "core/skipped_elements.h"
#include "core/workers.h"

namespace tidemill::core {

// What the text of a record that is left out says of it.
enum class RecordKind : std::uint8_t {
    kElement,    // as print would show what a function was given; it need not be what was received
    kLine,       // a line as it was received, in full and without its end: core/reversible_text.h
    kBeginning,  // the beginning of such a line
    kRow,        // columns that a step made, as a tuple: a group, or what was joined
};

// "line": how dead letters say it.
std::string_view toString(RecordKind kind);

struct FailedRecord {
    std::string operation;  // "map", or what the job file calls the step
    std::string record;     // the text, its beginning when it is long
    std::string error;      // what the function threw, likewise
    RecordKind kind = RecordKind::kElement;
    auto operator<=>(const FailedRecord&) const = default;
};

// The call that ended a batch.
struct FailedCall {
    std::uint32_t node = 0;
    std::uint32_t partition = 0;
    FailedRecord record;
    // Where the text of the record lies or lay; in one of the batch's blocks, when it was not made
    // by another function. Null for records that are no text. Not to be read.
    const char* text = nullptr;
};

class ProgressMarker;

struct FailureRules {
    OnError onError = OnError::kStop;
    // kDeadLetter: so many records of a batch are kept; others are only counted.
    std::size_t deadLettersMax = 10'000;
    // The batch was complete before: it does without exactly these elements, which no function is
    // called for, and what a function throws ends it. Null: it goes by `onError`.
    const std::vector<SkippedElements>* exactly = nullptr;
    // See TaskContext; null: nobody asks.
    ProgressMarker* marker = nullptr;
};

// Those of one batch. A stream may be computed several times in a batch: in a stage, and once for
// each output that reads it. A record counts as often as it failed in one such scan.
// Memory: some megabytes at most, whatever fails; kTextBytesMax with dead letters.
// Thread safety: thread-safe.
class FailedRecords {
public:
    static constexpr std::size_t kTextBytesMax = 64 << 20;
    // Kept to be named in the log when records are only skipped.
    static constexpr std::size_t kExamples = 16;
    // The list of what the stages left out has at most so many bytes.
    static constexpr std::size_t kSkippedBytesMax = 4 << 20;

    explicit FailedRecords(FailureRules rules = {});
    ~FailedRecords();

    // A record whose function throws is left out.
    bool goesOn() const { return rules_.onError != OnError::kStop && rules_.exactly == nullptr; }
    const FailureRules& rules() const { return rules_; }

    // So much of a record and of what was thrown is kept.
    std::size_t textBytesMax() const {
        return std::clamp<std::size_t>(kTextBytesMax / std::max<std::size_t>(keptMax(), 1), 256,
                                       64 << 10);
    }

    // `number`: of the element in the operator's input; none: a re-run need not know.
    void add(const InputPlace& input, std::optional<std::uint64_t> number, FailedRecord record);

    // The elements of an operator's input that `exactly` leaves out.
    SkippedRunsReader skippedElementsOf(const InputPlace& input) const;
    // For the rules' marker, if there is one.
    void calling(const std::string& operation, const std::string& element) const;
    void returned() const;

    // The stages are done: what fails from now on changes nothing that stays.
    void stagesDone();
    // What the stages left out. Call when the batch has run.
    SkippedOfBatch takeSkipped();

    // The call that ends the batch, when no record may be left out; the first one is kept.
    void stop(FailedCall call);
    std::optional<FailedCall> stopped() const;

    // How many.
    std::uint64_t count() const;

    // Calls f(record, times) for each that is kept, in an order that follows from the batch alone.
    void forEachKept(const std::function<void(const FailedRecord&, std::uint64_t)>& f) const;

private:
    std::size_t keptMax() const {
        return rules_.onError == OnError::kDeadLetter ? rules_.deadLettersMax : kExamples;
    }

    struct Noted;
    const FailureRules rules_;
    const std::unique_ptr<Noted> noted_;
};

// What the exception that is being handled says.
std::string currentExceptionText();

namespace failed_detail {

// The first text in an element; none for elements without.
template <class T>
std::string_view textOf(const T& element) {
    if constexpr (std::convertible_to<const T&, std::string_view>) {
        return element;
    } else if constexpr (format_detail::TupleLike<T>) {
        if constexpr (std::tuple_size_v<T> != 0)
            return std::apply([](const auto& first, const auto&...) { return textOf(first); },
                              element);
        else return {};
    } else {
        return {};
    }
}

}  // namespace failed_detail

// What stands between an operator's loop and its user's function. Thread safety: worker-confined.
class RecordGuard {
public:
    // Where no record may be left out, this costs nothing until a function throws.
    RecordGuard(FailedRecords* failed, const InputPlace& input, const std::string& operation)
        : failed_(failed),
          input_(input),
          oneAtATime_(failed != nullptr && failed->rules().marker != nullptr),
          operation_(operation) {
        if (failed == nullptr) return;
        if (failed->rules().exactly != nullptr) leftOut_ = failed->skippedElementsOf(input);
        checksEach_ = failed->goesOn() || !leftOut_.holdsNone() || oneAtATime_;
    }

    // What is made of an element must go on before the next one comes.
    bool oneAtATime() const { return oneAtATime_; }

    // Calls apply(element) for each element of the chunk, which it may move from, and then
    // handOn(). When apply throws, undo() takes back what it had made so far and the element is
    // noted; what handOn throws is never an element's fault.
    template <class In, class Apply, class Undo, class HandOn>
    void forEach(std::span<In> chunk, Apply apply, Undo undo, HandOn handOn) {
        if (checksEach_) [[unlikely]] {
            if constexpr (kCheaplyKept<In>)
                if (failed_->goesOn() && !oneAtATime())
                    return attemptAll(chunk, apply, undo, handOn);
            for (In& element : chunk) {
                if (attempt(element, apply)) handingOn(handOn);
                else undo();
            }
            return;
        }
        In* at = chunk.data();
        try {
            for (In* const end = at + chunk.size(); at != end; ++at) {
                apply(*at);
                handingOn(handOn);
            }
        } catch (const TaskFailure&) {
            throw;
        } catch (...) {
            stop(*at, currentExceptionText());
        }
    }

    // Notes a record that could not be worked on, for an operator whose loop is its own: the batch
    // goes on without it, or ends here by a TaskFailure. `record` and `kind` as in FailedRecord, a
    // line in full; `text`: where it lies, see FailedCall.
    void reject(std::string record, RecordKind kind, std::string error, const char* text) {
        const std::size_t bytesMax = failed_ != nullptr ? failed_->textBytesMax() : 256;
        if (kind == RecordKind::kLine && record.size() > bytesMax) kind = RecordKind::kBeginning;
        FailedRecord failed{operation_, std::move(record), std::move(error), kind};
        cut(failed.record, bytesMax, failed.record.size());
        cut(failed.error, bytesMax, failed.error.size());
        // What such an operator rejects follows from the job file alone, so that a re-run of a
        // complete batch rejects the same.
        if (failed_ != nullptr && failed_->rules().onError != OnError::kStop)
            return failed_->add(input_, std::nullopt, std::move(failed));
        Error ended{ErrorKind::kUserCode, failed.operation + ": " + failed.error};
        if (failed_ != nullptr)
            failed_->stop({input_.node, input_.partition, std::move(failed), text});
        throw TaskFailure(std::move(ended));
    }

private:
    template <class HandOn>
    static void handingOn(HandOn& handOn) {
        try {
            handOn();
        } catch (const TaskFailure&) {
            throw;
        } catch (...) {
            throw TaskFailure(Error{ErrorKind::kUserCode,
                                    "a function of the program threw: " + currentExceptionText()});
        }
    }

    // An element is kept beside the loop that works on it, to be shown if it fails.
    template <class In>
    static constexpr bool kCheaplyKept =
        std::is_trivially_copy_constructible_v<In>&& std::is_trivially_destructible_v<In> &&
        sizeof(In) <= 64;

    // attempt() for all of a chunk, in a loop that the compiler sees through.
    template <class In, class Apply, class Undo, class HandOn>
    void attemptAll(std::span<In> chunk, Apply& apply, Undo& undo, HandOn& handOn) {
        union Kept {
            Kept() {}
            char none;
            In element;
        } kept;
        std::size_t at = 0;
        while (at != chunk.size()) {
            try {
                for (; at != chunk.size(); ++at) {
                    std::construct_at(&kept.element, chunk[at]);
                    apply(chunk[at]);
                    handingOn(handOn);
                }
            } catch (const TaskFailure&) {
                throw;
            } catch (...) {
                failed_->add(input_, next_ + at, described(kept.element, currentExceptionText()));
                undo();
                ++at;
            }
        }
        next_ += chunk.size();
    }

    template <class In, class Apply>
    bool attempt(In& element, Apply& apply) {
        const auto number = next_++;
        if (failed_->rules().exactly != nullptr && leftOut_.holds(number)) return false;
        if (oneAtATime()) failed_->calling(operation_, described(element, {}).record);
        std::string error;
        try {
            if constexpr (std::is_copy_constructible_v<In>) {
                In copy(element);  // to be shown if it fails
                apply(copy);
            } else {
                apply(element);
            }
            if (oneAtATime()) failed_->returned();
            return true;
        } catch (const TaskFailure&) {
            throw;
        } catch (...) {
            error = currentExceptionText();
        }
        if (!failed_->goesOn()) stop(element, std::move(error));
        failed_->add(input_, number, described(element, std::move(error)));
        return false;
    }

    template <class In>
    [[noreturn]] void stop(const In& element, std::string thrown) {
        FailedCall call{input_.node, input_.partition, described(element, std::move(thrown)),
                        failed_detail::textOf(element).data()};
        Error error{ErrorKind::kUserCode, call.record.operation + " threw: " + call.record.error};
        if (failed_ != nullptr) failed_->stop(std::move(call));
        throw TaskFailure(std::move(error));
    }

    template <class In>
    FailedRecord described(const In& element, std::string error) const {
        const std::size_t bytesMax = failed_ != nullptr ? failed_->textBytesMax() : 256;
        FailedRecord failed{operation_, {}, std::move(error), RecordKind::kElement};
        if constexpr (std::convertible_to<const In&, std::string_view>) {
            const std::string_view text(element);
            appendElement(failed.record, text.substr(0, bytesMax));
            cut(failed.record, bytesMax, text.size());
        } else if constexpr (Printable<In>) {
            appendElement(failed.record, element);
            cut(failed.record, bytesMax, failed.record.size());
        } else {
            failed.record = "(elements of this type cannot be shown)";
        }
        cut(failed.error, bytesMax, failed.error.size());
        return failed;
    }

    // `sizeBytes`: of the whole that `text` begins.
    static void cut(std::string& text, std::size_t bytesMax, std::size_t sizeBytes) {
        if (sizeBytes <= bytesMax && text.size() <= bytesMax) return;
        text.resize(std::min(text.size(), bytesMax));
        while (!text.empty() && (text.back() & 0xC0) == 0x80) text.pop_back();
        if (!text.empty() && (text.back() & 0x80) != 0) text.pop_back();
        text.shrink_to_fit();
        text += "... (the beginning of " + std::to_string(sizeBytes) + " bytes)";
    }

    FailedRecords* failed_;
    InputPlace input_;
    bool oneAtATime_;
    bool checksEach_ = false;  // each element is looked at before and behind the call
    const std::string& operation_;
    std::uint64_t next_ = 0;  // number of the next element, where they are looked at one by one
    SkippedRunsReader leftOut_;
};

}  // namespace tidemill::core
