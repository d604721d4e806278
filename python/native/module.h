// What the files that bind the extension module share.
#pragma once

#include <pybind11/pybind11.h>

#include "python/native/function.h"

namespace tidemill::python {

// (function, code) or what form_of adds to it.
Function functionOf(const pybind11::tuple& parts);

void bindRows(pybind11::module_& module);

}  // namespace tidemill::python
