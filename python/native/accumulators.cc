#include "python/native/accumulators.h"

#include <stdexcept>

#include "core/output.h"
#include "python/native/entry.h"
#include "python/native/value_codec.h"
#include "python/native/varint.h"
#include "state/state_store.h"

namespace tidemill::python {
namespace {

constexpr std::string_view kNoteMagic = "accumulators\x01";

// In front of a row's value: that its key is the plain one of its bytes (python_values.md).
const std::string kPlainKey(1, '\0');

thread_local AddScope* currentScope __attribute__((tls_model("initial-exec"))) = nullptr;

[[noreturn]] void refuse(const std::string& name, const char* why) {
    throw std::runtime_error("accumulator '" + name + "': " + why);
}

[[noreturn]] void corrupt() {
    throw core::TaskFailure(
        core::Error{core::ErrorKind::kCorrupt, "stored accumulators do not parse"});
}

std::string_view takeSized(std::string_view& bytes) {
    std::uint64_t size = 0;
    if (!takeVarint(bytes, size) || size > bytes.size()) corrupt();
    const auto taken = bytes.substr(0, size);
    bytes.remove_prefix(size);
    return taken;
}

std::string signature() {
    return "accumulators key=" + core::KeyCodec<std::string_view>::signature() +
           " state=" + core::ValueCodec<Entry>::signature();
}

}  // namespace

AddScope*& AddScope::current() { return currentScope; }

void AddScope::keepPending() {
    // Adding up calls functions of the program, which may add to others.
    for (auto& [accumulator, term] : std::exchange(pending_, {}))
        if (const auto job = accumulator->job_.lock())
            job->note(accumulator, {source_, order_}, term);
}

void Accumulator::add(PyObject* term) {
    AddScope* const scope = AddScope::current();
    if (scope == nullptr || scope->of_ == AddScope::Of::kElsewhere)
        refuse(name_,
               "add() is for functions that come to each element once: those of map, flatMap, "
               "filter, mapValues, flatMapValues, mapPartitions, updateStateByKey, mapWithState, "
               "transform and foreachRDD, in the thread that calls them. A reduction or a window "
               "calls its function as often as it needs to, and outside of the job's batches "
               "nothing is counted; a first value is given to SparkContext.accumulator()");
    if (scope->of_ == AddScope::Of::kScan)
        refuse(name_,
               "this function is called for every output that reads its stream, and perhaps not "
               "for all elements, so that what it adds would not be exact: put persist() behind "
               "it, or let the function itself name the accumulator, which does that");
    const auto job = job_.lock();
    if (!job)
        refuse(name_,
               "it is of no job that runs: make it before start(), by the SparkContext "
               "that the StreamingContext has");
    auto kept = Object::borrowed(term);
    if (scope->of_ == AddScope::Of::kBatch)
        job->note(shared_from_this(), {scope->source_, scope->order_}, kept);
    else scope->pending_.emplace_back(shared_from_this(), std::move(kept));
}

Object Accumulator::value() const {
    const AddScope* const scope = AddScope::current();
    if (scope == nullptr || scope->of_ == AddScope::Of::kElsewhere) return value_;
    if (scope->of_ != AddScope::Of::kBatch)
        refuse(name_,
               "its value is not known in a function of elements, which others may add to "
               "at the same time: ask for it in foreachRDD, or outside of the job");
    const auto job = job_.lock();
    return job ? job->current(*this) : value_;
}

Object Accumulator::zero() const {
    if (param_.get() == Py_None) return zero_;
    return orThrow(PyObject_CallMethod(param_.get(), "zero", "O", initial_.get()));
}

Object Accumulator::sum(const Object& into, const Object& term) const {
    if (param_.get() == Py_None) return orThrow(PyNumber_Add(into.get(), term.get()));
    return orThrow(PyObject_CallMethod(param_.get(), "addInPlace", "OO", into.get(), term.get()));
}

// Hears of every batch before its stages.
class Accumulators::BeginNode final : public core::Node {
public:
    explicit BeginNode(std::shared_ptr<Accumulators> of)
        : core::Node("accumulators"), of_(std::move(of)) {}
    void beginBatch(core::BatchRun& run) override { of_->begin(run.record()); }
    bool holdsElements() const override { return false; }

private:
    const std::shared_ptr<Accumulators> of_;
};

// Runs behind the program's outputs.
class Accumulators::EndOutput final : public core::OutputOperation {
public:
    explicit EndOutput(std::shared_ptr<Accumulators> of) : of_(std::move(of)) {}
    std::string describe() const override { return "accumulators"; }
    bool holdsRecords() const override { return false; }
    std::string note() override { return of_->note(); }
    core::Visibility run(core::BatchRun&) override {
        of_->end();
        return core::Visibility::kNow;
    }

private:
    const std::shared_ptr<Accumulators> of_;
};

std::shared_ptr<Accumulators> Accumulators::declare(Job& job) {
    const auto all = std::make_shared<Accumulators>();
    const auto node = job.graph.add(std::make_shared<BeginNode>(all));
    job.graph.addOutput(std::make_unique<EndOutput>(all));
    job.states.push_back(
        {"accumulators", signature(),
         [all](state::StateStore& store, core::OperatorId id, const state::OperatorStart&) {
             all->bind(store.table(id, state::kVisibleTable, state::ValueKind::kBytes));
         }});
    job.states.back().node = node.get();
    return all;
}

std::shared_ptr<Accumulator> Accumulators::find(const std::string& name) const {
    const auto found = all_.find(name);
    return found == all_.end() ? nullptr : found->second;
}

void Accumulators::add(const std::shared_ptr<Accumulator>& accumulator) {
    accumulator->job_ = weak_from_this();
    all_[accumulator->name()] = accumulator;
    accumulator->value_ = stored(*accumulator);
}

void Accumulators::bind(state::StateTable& table) {
    table_ = &table;
    for (std::uint32_t range = 0; range < core::kKeyRanges; ++range) {
        auto walker = table.range(range).walk();
        while (core::orThrow(walker.next())) {
            if (walker.value().size() < 2 || !walker.value().starts_with(kPlainKey)) corrupt();
            stored_[std::string(walker.key())] = walker.value().substr(1);
        }
    }
    inRows_ = stored_;
    const GilScope gil;
    showAll();
}

void Accumulators::begin(const core::BatchRecord& record) {
    const GilScope gil;
    added_.clear();
    for (const auto& note : record.notes) {
        std::string_view bytes = note.bytes;
        if (!bytes.starts_with(kNoteMagic) || bytes == noted_) continue;
        noted_ = bytes;
        bytes.remove_prefix(kNoteMagic.size());
        stored_.clear();
        while (!bytes.empty()) {
            const auto name = takeSized(bytes);
            stored_[std::string(name)] = takeSized(bytes);
        }
        showAll();
    }
}

std::string Accumulators::note() {
    const GilScope gil;
    if (stored_.empty()) return {};
    std::string note(kNoteMagic);
    for (const auto& [name, value] : stored_) {
        for (const auto* part : {&name, &value}) {
            appendVarint(note, part->size());
            note += *part;
        }
    }
    return noted_ = std::move(note);
}

void Accumulators::end() {
    const GilScope gil;
    for (auto& [name, terms] : std::exchange(added_, {})) {
        const auto& accumulator = *all_.at(name);
        Object value = stored(accumulator);
        for (const auto& [place, term] : terms) value = accumulator.sum(value, term);
        std::string bytes;
        appendValue(value.get(), bytes);
        stored_[name] = std::move(bytes);
        all_.at(name)->value_ = stored(accumulator);
    }
    for (const auto& [name, value] : stored_) {
        auto& inRow = inRows_[name];
        if (inRow == value) continue;
        core::orThrow(table_->rangeOf(name).put(name, kPlainKey + value));
        inRow = value;
    }
    if (const std::size_t size = note().size(); size > core::kOutputNoteBytesMax)
        throw std::runtime_error(
            "the names and values of all accumulators are kept with every batch, and have become "
            "too large for that: bytes=" +
            std::to_string(size) + " most=" + std::to_string(core::kOutputNoteBytesMax) +
            "; keep what grows in a state (updateStateByKey)");
}

void Accumulators::note(const std::shared_ptr<Accumulator>& accumulator, Place place,
                        const Object& term) {
    auto& terms = added_[accumulator->name()];
    auto found = terms.find(place);
    const Object before = found == terms.end() ? accumulator->zero() : found->second;
    Object after = accumulator->sum(before, term);
    // Looked up again: functions of the program ran.
    added_[accumulator->name()][place] = std::move(after);
}

// Those that lie in `added_` stay as they are, whatever addInPlace() does to what it is given.
Object Accumulators::current(const Accumulator& accumulator) const {
    Object value = stored(accumulator);
    const auto terms = added_.find(accumulator.name());
    if (terms == added_.end()) return value;
    for (const auto& [place, term] : terms->second) {
        std::string copy;
        appendValue(term.get(), copy);
        value = accumulator.sum(value, valueFrom(copy));
    }
    return value;
}

Object Accumulators::stored(const Accumulator& accumulator) const {
    const auto found = stored_.find(accumulator.name());
    if (found != stored_.end()) return valueFrom(found->second);
    std::string copy;
    appendValue(accumulator.initial_.get(), copy);
    return valueFrom(copy);
}

void Accumulators::showAll() {
    for (const auto& [name, accumulator] : all_) accumulator->value_ = stored(*accumulator);
}

}  // namespace tidemill::python
