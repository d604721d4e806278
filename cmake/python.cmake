# Python and pybind11, for the package in python/; it is built by default where both are found.
# Another Python than the system's: -DPython_EXECUTABLE=….

if(NOT Python_EXECUTABLE)
    find_program(system_python python3 HINTS /usr/bin NO_CACHE)
    if(system_python)
        set(Python_EXECUTABLE "${system_python}")
    endif()
endif()
find_package(Python 3.11 QUIET COMPONENTS Interpreter Development.Module)
set(PYBIND11_FINDPYTHON ON)
set(can_build_python OFF)
if(Python_FOUND)
    find_package(pybind11 CONFIG QUIET)
    set(can_build_python "${pybind11_FOUND}")
endif()

option(TIDEMILL_BUILD_PYTHON "Build the Python package" "${can_build_python}")
if(TIDEMILL_SANITIZE)
    set(TIDEMILL_BUILD_PYTHON OFF)
endif()
