# The Debian package of the program, made by tools/package. Libraries and headers are not in it:
# programs that use them are built with what `cmake --install` lays down.

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME tidemill)
set(CPACK_PACKAGE_VENDOR "Tidemill")
set(CPACK_PACKAGE_CONTACT "the developers of Tidemill")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "stream processor in batches, exact across crashes")
set(CPACK_PACKAGE_DESCRIPTION
    "Tidemill runs jobs over live streams of records in small batches, keeps their state, and
resumes after a crash with exactly the same counts. This package holds the program tidemill and
tidemill@.service, which runs /etc/tidemill/NAME.toml as tidemill@NAME.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL program)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_NAME tidemill)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS systemd)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    "${PROJECT_SOURCE_DIR}/tools/package_files/postinst"
    "${PROJECT_SOURCE_DIR}/tools/package_files/prerm"
    "${PROJECT_SOURCE_DIR}/tools/package_files/postrm")
include(CPack)
