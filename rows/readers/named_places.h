// Fields whose places are names that records have in any order: logfmt, key_value.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rows/readers/field_plan.h"

namespace tidemill::rows {

// Thread safety: immutable.
class NamedPlaces {
public:
    explicit NamedPlaces(const FieldPlan& plan) {
        for (std::size_t field = 0; field < plan.size(); ++field) {
            const std::string& name = plan[field].spec.place;
            const auto found = std::find_if(places_.begin(), places_.end(),
                                            [&](const Place& place) { return place.name == name; });
            if (found != places_.end()) {
                found->fields.push_back(field);
            } else {
                places_.push_back({name, {field}});
            }
        }
    }

    // The fields at `name`, or null. Records often have the same order of names: `expected`, at
    // first 0, is where the search begins, and becomes the place behind what it finds.
    const std::vector<std::size_t>* find(std::string_view name, std::size_t& expected) const {
        for (std::size_t i = 0; i < places_.size(); ++i) {
            const std::size_t at =
                expected + i < places_.size() ? expected + i : expected + i - places_.size();
            if (places_[at].name != name) continue;
            expected = at + 1 == places_.size() ? 0 : at + 1;
            return &places_[at].fields;
        }
        return nullptr;
    }

private:
    struct Place {
        std::string name;
        std::vector<std::size_t> fields;
    };
    std::vector<Place> places_;
};

}  // namespace tidemill::rows
