#include "tidemill/intake.h"

#include <algorithm>
#include <utility>

#include "core/logging.h"
#include "core/split_off.h"

namespace tidemill {

using core::ErrorKind;
using core::Result;

namespace {

constexpr std::string_view kHead = "tidemill intake\nversion 1\n";
constexpr std::uint64_t kFileBytesMax = 1 << 20;
// So even is a rate.
constexpr std::chrono::milliseconds kLookEvery{10};

}  // namespace

std::string encodeIntake(const std::vector<IntakeOrder>& orders) {
    std::string text(kHead);
    for (const auto& order : orders)
        text += std::string(order.paused ? "paused" : "open") + "\t" +
                (order.rate ? toString(*order.rate) : "as the job says") + "\t" + order.source +
                "\n";
    return text;
}

Result<std::vector<IntakeOrder>> decodeIntake(std::string_view text) {
    const auto damaged = [] {
        return core::fail(ErrorKind::kCorrupt, "it does not say what operators want of sources");
    };
    if (!text.starts_with(kHead)) return damaged();
    text.remove_prefix(kHead.size());
    std::vector<IntakeOrder> orders;
    while (!text.empty()) {
        const auto paused = core::splitOff(text, '\t'), rate = core::splitOff(text, '\t'),
                   source = core::splitOff(text, '\n');
        if (!source || (*paused != "paused" && *paused != "open")) return damaged();
        IntakeOrder order{std::string(*source), *paused == "paused", {}};
        if (*rate != "as the job says") {
            order.rate = parseRate(*rate);
            if (!order.rate) return damaged();
        }
        orders.push_back(std::move(order));
    }
    return orders;
}

Intake::Intake(core::Clock& clock) : clock_(clock) {}

Intake::~Intake() { stop(); }

Result<> Intake::keepIn(core::FileSystem& files, const core::Path& directory,
                        std::function<Result<>()> stillOurs) {
    files_ = &files;
    path_ = directory / "INTAKE";
    stillOurs_ = std::move(stillOurs);
    if (!files.exists(path_)) return {};
    TM_ASSIGN(const auto text, core::readWholeFile(files, path_, kFileBytesMax));
    auto orders = decodeIntake(text);
    if (!orders)
        return core::fail(orders.error().kind,
                          path_.string() + ": " + orders.error().message +
                              "; remove it, and all sources take what the job says");
    orders_ = std::move(*orders);
    return {};
}

Intake::Slot* Intake::find(std::uint32_t number) {
    return const_cast<Slot*>(std::as_const(*this).find(number));
}

const Intake::Slot* Intake::find(std::uint32_t number) const {
    for (const auto& slot : slots_)
        if (slot->declared.number == number) return slot.get();
    return nullptr;
}

Result<> Intake::canHave(const std::optional<Rate>& rate, const Declared& declared,
                         const core::Source& source) {
    if (!rate) return {};
    if (rate->unit == Rate::Unit::kRecords && declared.kind == Kind::kReplayable)
        return core::fail(ErrorKind::kInvalid,
                          declared.label + " reads whole files, whose records are not counted " +
                              "before: give its rate in bytes, such as \"10 MiB/s\"");
    if (declared.kind == Kind::kLive && !source.canBeLimited())
        return core::fail(ErrorKind::kInvalid, declared.label + " cannot have a rate");
    return {};
}

Result<> Intake::add(Declared declared, std::shared_ptr<core::Source> source) {
    TM_TRY(canHave(declared.rate, declared, *source));
    auto slot = std::make_unique<Slot>();
    slot->order.source = declared.key;
    {
        const std::lock_guard lock(ordersMutex_);
        for (const auto& order : orders_)
            if (order.source == declared.key) slot->order = order;
    }
    slot->declared = std::move(declared);
    slot->source = std::move(source);
    // The source may be of another kind than the one that had this name then.
    if (const auto can = canHave(slot->order.rate, slot->declared, *slot->source); !can) {
        core::logWarning("an operator's rate of " + toString(*slot->order.rate) +
                         " is not kept: " + can.error().message);
        slot->order.rate.reset();
    }
    if (slot->order.paused)
        core::logWarning(slot->declared.label + " is paused, as an operator has said: it takes " +
                         "nothing until `tidemill resume`");
    const std::lock_guard lock(mutex_);
    setLimit(*slot);
    apply(*slot);
    slots_.push_back(std::move(slot));
    return {};
}

void Intake::reportUnmatched() {
    const std::lock_guard orders(ordersMutex_);
    const std::lock_guard lock(mutex_);
    for (const auto& order : orders_)
        if (std::none_of(slots_.begin(), slots_.end(),
                         [&](const auto& slot) { return slot->declared.key == order.source; }))
            core::logWarning("an operator has " +
                             std::string(order.paused ? "paused" : "given a rate to") +
                             " the source " + order.source +
                             ", which the job does not have now; the order is kept for it");
}

// Without a rate a source that had one is let loose; with another one it goes on with what it owes.
void Intake::setLimit(Slot& slot) {
    const auto rate = slot.order.rate ? slot.order.rate : slot.declared.rate;
    const bool isLive = slot.declared.kind == Kind::kLive;
    if (rate && slot.limit && slot.limit->rate() == *rate) return;
    const bool had = slot.limit.has_value();
    slot.limit.reset();
    if (rate) slot.limit.emplace(*rate, slot.declared.burst, clock_.monotonic());
    if (!isLive) return;
    if (rate) slot.source->allow({0, 0});
    else if (had) slot.source->allow({});
    if (!rate) return;
    if (!looks_.joinable() && !stopping_) looks_ = std::thread([this] { look(); });
    wakes_.notify_all();
}

void Intake::apply(Slot& slot) {
    const bool receives = slot.declared.kind == Kind::kLive;
    const bool stop = slot.order.paused || (receives && spaceLow_);
    if (stop == std::exchange(slot.stopped, stop)) return;
    if (stop) slot.source->pause();
    else slot.source->resume();
}

void Intake::stop() {
    {
        const std::lock_guard orders(ordersMutex_);  // none is on its way then
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        wakes_.notify_all();
    }
    if (looks_.joinable()) looks_.join();
}

void Intake::look() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        bool any = false;
        for (const auto& slot : slots_) {
            if (!slot->limit || slot->declared.kind != Kind::kLive) continue;
            any = true;
            slot->source->allow(slot->limit->look(slot->source->counters(), clock_.monotonic()));
        }
        if (any) wakes_.wait_for(lock, kLookEvery, [this] { return stopping_; });
        else wakes_.wait(lock);
    }
}

void Intake::spaceIsLow(bool low) {
    const std::lock_guard lock(mutex_);
    spaceLow_ = low;
    if (stopping_) return;
    for (const auto& slot : slots_) apply(*slot);
}

Result<> Intake::keep(const IntakeOrder& order) {
    auto orders = orders_;
    std::erase_if(orders, [&](const IntakeOrder& known) { return known.source == order.source; });
    if (order.paused || order.rate) orders.push_back(order);
    if (files_ != nullptr) {
        TM_TRY(stillOurs_());
        TM_TRY(core::publishFile(*files_, path_, encodeIntake(orders)));
    }
    orders_ = std::move(orders);
    return {};
}

Result<> Intake::order(std::uint32_t number, const std::function<void(IntakeOrder&)>& change) {
    const std::lock_guard orders(ordersMutex_);
    IntakeOrder wanted;
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return core::fail(ErrorKind::kConflict, "the job stops");
        const Slot* slot = find(number);
        if (slot == nullptr)
            return core::fail(ErrorKind::kInvalid,
                              "there is no source " + std::to_string(number + 1));
        wanted = slot->order;
        change(wanted);
        TM_TRY(canHave(wanted.rate, slot->declared, *slot->source));
    }
    TM_TRY(keep(wanted));
    const std::lock_guard lock(mutex_);
    Slot& slot = *find(number);
    slot.order = std::move(wanted);
    setLimit(slot);
    apply(slot);
    core::logInfo(slot.declared.label + (slot.order.paused ? " is paused" : " takes what comes") +
                  (slot.limit ? ", at most " + toString(slot.limit->rate()) : "") +
                  ", as an operator said");
    return {};
}

Result<> Intake::pause(std::uint32_t number, bool paused) {
    return order(number, [paused](IntakeOrder& order) { order.paused = paused; });
}

Result<> Intake::setRate(std::uint32_t number, std::optional<Rate> rate) {
    return order(number, [rate](IntakeOrder& order) { order.rate = rate; });
}

std::uint64_t Intake::allowedBytes(std::uint32_t number, std::uint64_t most) {
    const std::lock_guard lock(mutex_);
    Slot* slot = find(number);
    if (slot == nullptr || !slot->limit) return most;
    return std::min(most, slot->limit->allowed(clock_.monotonic()));
}

void Intake::took(std::uint32_t number, std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    if (Slot* slot = find(number); slot != nullptr && slot->limit) slot->limit->took(bytes);
}

Intake::State Intake::state(std::uint32_t number) const {
    const std::lock_guard lock(mutex_);
    const Slot* slot = find(number);
    if (slot == nullptr) return {};
    return {slot->order.paused, slot->limit ? std::optional(slot->limit->rate()) : std::nullopt};
}

}  // namespace tidemill
