# What `cmake --install` lays down: the program, the libraries, the public headers, and the package
# that find_package(tidemill) finds.

include(CMakePackageConfigHelpers)

get_property(libraries GLOBAL PROPERTY TIDEMILL_LIBRARIES)
install(TARGETS ${libraries} tidemill_xxhash tidemill_rocksdb tidemill_librdkafka tidemill_re2
    EXPORT tidemillTargets
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")

install(DIRECTORY "${TIDEMILL_PUBLIC_INCLUDE_DIR}/tidemill"
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
    FILES_MATCHING PATTERN "*.h")

if(TARGET tidemill_program)
    install(TARGETS tidemill_program RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/tidemill")
install(EXPORT tidemillTargets NAMESPACE tidemill:: DESTINATION "${package_dir}")
configure_package_config_file(
    "${CMAKE_CURRENT_LIST_DIR}/tidemillConfig.cmake.in"
    "${CMAKE_CURRENT_BINARY_DIR}/tidemillConfig.cmake"
    INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file(
    "${CMAKE_CURRENT_BINARY_DIR}/tidemillConfigVersion.cmake"
    COMPATIBILITY SameMinorVersion)
install(FILES
    "${CMAKE_CURRENT_BINARY_DIR}/tidemillConfig.cmake"
    "${CMAKE_CURRENT_BINARY_DIR}/tidemillConfigVersion.cmake"
    DESTINATION "${package_dir}")
