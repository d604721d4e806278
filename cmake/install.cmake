# What `cmake --install` lays down: the program, the libraries, the public headers, and the package
# that find_package(tidemill) finds.

include(CMakePackageConfigHelpers)

get_property(libraries GLOBAL PROPERTY TIDEMILL_LIBRARIES)
install(TARGETS ${libraries} tidemill_xxhash tidemill_rocksdb tidemill_librdkafka tidemill_libpq
        tidemill_sqlite tidemill_re2 tidemill_microhttpd tidemill_openssl tidemill_zlib tidemill_zstd
        tidemill_curl
    EXPORT tidemillTargets
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")

install(DIRECTORY "${TIDEMILL_PUBLIC_INCLUDE_DIR}/tidemill"
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
    FILES_MATCHING PATTERN "*.h")

if(TARGET tidemill_program)
    install(TARGETS tidemill_program RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}"
        COMPONENT program)
    # Manual pages say what --help says.
    set(man_pages "${CMAKE_CURRENT_BINARY_DIR}/man")
    add_custom_command(
        OUTPUT "${man_pages}/tidemill.1"
        COMMAND "${PROJECT_SOURCE_DIR}/tools/man_pages" "$<TARGET_FILE:tidemill_program>"
            "${man_pages}"
        DEPENDS tidemill_program "${PROJECT_SOURCE_DIR}/tools/man_pages"
        COMMENT "Writing the manual pages"
        VERBATIM)
    add_custom_target(tidemill_man_pages ALL DEPENDS "${man_pages}/tidemill.1")
    install(DIRECTORY "${man_pages}/" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1"
        COMPONENT program)
    install(FILES "${PROJECT_SOURCE_DIR}/examples/systemd/tidemill@.service"
        DESTINATION lib/systemd/system COMPONENT program)
    install(FILES "${PROJECT_SOURCE_DIR}/tools/package_files/completion.bash"
        DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" RENAME tidemill
        COMPONENT program)
    install(FILES "${PROJECT_SOURCE_DIR}/tools/package_files/completion.fish"
        DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d" RENAME tidemill.fish
        COMPONENT program)
    install(FILES "${PROJECT_SOURCE_DIR}/tools/package_files/completion.zsh"
        DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions" RENAME _tidemill
        COMPONENT program)
    install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" "${PROJECT_SOURCE_DIR}/CHANGELOG.md"
        DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/tidemill" COMPONENT program)
    install(DIRECTORY "${PROJECT_SOURCE_DIR}/examples/"
        DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/tidemill/examples" COMPONENT program
        USE_SOURCE_PERMISSIONS
        FILES_MATCHING PATTERN "*.toml" PATTERN "journal_lines" PATTERN "python" EXCLUDE PATTERN "systemd" EXCLUDE)
    install(DIRECTORY "${PROJECT_SOURCE_DIR}/docs/monitoring"
        DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/tidemill" COMPONENT program)
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
