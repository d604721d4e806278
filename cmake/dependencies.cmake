# What Tidemill stands on: Debian packages only (tools/packages.txt), never fetched sources.
# cmake/tidemillConfig.cmake.in repeats those that an installed Tidemill needs.

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(RocksDB CONFIG REQUIRED)
find_package(cereal CONFIG REQUIRED)
find_package(tl-expected CONFIG REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
find_package(fmt CONFIG REQUIRED)
find_package(spdlog CONFIG REQUIRED)
find_package(tomlplusplus CONFIG REQUIRED)
find_package(nlohmann_json CONFIG REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(re2 REQUIRED IMPORTED_TARGET re2)
find_package(simdjson CONFIG REQUIRED)

# PostgreSQL's own parser, for the expressions of rows.
find_path(PG_QUERY_INCLUDE_DIR pg_query.h REQUIRED)
find_library(PG_QUERY_LIBRARY pg_query REQUIRED)
add_library(tidemill_pg_query INTERFACE)
target_include_directories(tidemill_pg_query SYSTEM INTERFACE "${PG_QUERY_INCLUDE_DIR}")
target_link_libraries(tidemill_pg_query INTERFACE "${PG_QUERY_LIBRARY}")

# The static RocksDB is the faster one. The thread sanitizer needs the shared one: it can be told
# to ignore a module it did not instrument, not a part of the program itself. So does a target with
# the property TIDEMILL_SHARED_ROCKSDB: a shared object, which the static one cannot be part of.
add_library(tidemill_rocksdb INTERFACE)
if(TIDEMILL_SANITIZE STREQUAL "thread")
    target_link_libraries(tidemill_rocksdb INTERFACE RocksDB::rocksdb-shared)
else()
    target_link_libraries(tidemill_rocksdb INTERFACE
        "$<IF:$<BOOL:$<TARGET_PROPERTY:TIDEMILL_SHARED_ROCKSDB>>,RocksDB::rocksdb-shared,RocksDB::rocksdb>")
endif()

find_path(ASIO_INCLUDE_DIR asio.hpp REQUIRED)
add_library(tidemill_asio INTERFACE)
target_include_directories(tidemill_asio SYSTEM INTERFACE "${ASIO_INCLUDE_DIR}")
target_compile_definitions(tidemill_asio INTERFACE ASIO_STANDALONE ASIO_NO_DEPRECATED
    # Else Asio 1.22 decides by what was included before it, differently from file to file.
    ASIO_DISABLE_STD_ALIGNED_ALLOC)
target_link_libraries(tidemill_asio INTERFACE Threads::Threads)
if(TIDEMILL_SANITIZE STREQUAL "thread")
    # The thread sanitizer does not understand Asio's fences; Asio's mutexes order the same accesses.
    target_compile_definitions(tidemill_asio INTERFACE ASIO_DISABLE_FENCED_BLOCK)
endif()

# GNU libmicrohttpd.
find_path(MICROHTTPD_INCLUDE_DIR microhttpd.h REQUIRED)
find_library(MICROHTTPD_LIBRARY microhttpd REQUIRED)
mark_as_advanced(MICROHTTPD_INCLUDE_DIR MICROHTTPD_LIBRARY)
add_library(tidemill_microhttpd INTERFACE)
target_include_directories(tidemill_microhttpd SYSTEM INTERFACE
    $<BUILD_INTERFACE:${MICROHTTPD_INCLUDE_DIR}>)
target_link_libraries(tidemill_microhttpd INTERFACE "${MICROHTTPD_LIBRARY}")

find_path(ZLIB_INCLUDE_DIR zlib.h REQUIRED)
find_library(ZLIB_LIBRARY z REQUIRED)
mark_as_advanced(ZLIB_INCLUDE_DIR ZLIB_LIBRARY)
add_library(tidemill_zlib INTERFACE)
target_include_directories(tidemill_zlib SYSTEM INTERFACE $<BUILD_INTERFACE:${ZLIB_INCLUDE_DIR}>)
target_link_libraries(tidemill_zlib INTERFACE "${ZLIB_LIBRARY}")

find_path(ZSTD_INCLUDE_DIR zstd.h REQUIRED)
find_library(ZSTD_LIBRARY zstd REQUIRED)
mark_as_advanced(ZSTD_INCLUDE_DIR ZSTD_LIBRARY)
add_library(tidemill_zstd INTERFACE)
target_include_directories(tidemill_zstd SYSTEM INTERFACE $<BUILD_INTERFACE:${ZSTD_INCLUDE_DIR}>)
target_link_libraries(tidemill_zstd INTERFACE "${ZSTD_LIBRARY}")

# OpenSSL, for TLS of text.
find_path(OPENSSL_INCLUDE_DIR openssl/ssl.h REQUIRED)
find_library(OPENSSL_SSL_LIBRARY ssl REQUIRED)
find_library(OPENSSL_CRYPTO_LIBRARY crypto REQUIRED)
mark_as_advanced(OPENSSL_INCLUDE_DIR OPENSSL_SSL_LIBRARY OPENSSL_CRYPTO_LIBRARY)
add_library(tidemill_openssl INTERFACE)
target_include_directories(tidemill_openssl SYSTEM INTERFACE
    $<BUILD_INTERFACE:${OPENSSL_INCLUDE_DIR}>)
target_link_libraries(tidemill_openssl INTERFACE "${OPENSSL_SSL_LIBRARY}"
    "${OPENSSL_CRYPTO_LIBRARY}")

# libcurl, the one that speaks TLS by OpenSSL.
find_path(CURL_INCLUDE_DIR curl/curl.h REQUIRED)
find_library(CURL_LIBRARY curl REQUIRED)
mark_as_advanced(CURL_INCLUDE_DIR CURL_LIBRARY)
add_library(tidemill_curl INTERFACE)
target_include_directories(tidemill_curl SYSTEM INTERFACE $<BUILD_INTERFACE:${CURL_INCLUDE_DIR}>)
target_link_libraries(tidemill_curl INTERFACE "${CURL_LIBRARY}")

# librdkafka's C API.
find_path(RDKAFKA_INCLUDE_DIR librdkafka/rdkafka.h REQUIRED)
find_library(RDKAFKA_LIBRARY rdkafka REQUIRED)
add_library(tidemill_librdkafka INTERFACE)
target_include_directories(tidemill_librdkafka SYSTEM INTERFACE
    $<BUILD_INTERFACE:${RDKAFKA_INCLUDE_DIR}>)
target_link_libraries(tidemill_librdkafka INTERFACE "${RDKAFKA_LIBRARY}")

# libpq, PostgreSQL's client.
find_path(LIBPQ_INCLUDE_DIR libpq-fe.h PATH_SUFFIXES postgresql REQUIRED)
find_library(LIBPQ_LIBRARY pq REQUIRED)
mark_as_advanced(LIBPQ_INCLUDE_DIR LIBPQ_LIBRARY)
add_library(tidemill_libpq INTERFACE)
target_include_directories(tidemill_libpq SYSTEM INTERFACE
    $<BUILD_INTERFACE:${LIBPQ_INCLUDE_DIR}>)
target_link_libraries(tidemill_libpq INTERFACE "${LIBPQ_LIBRARY}")

# SQLite.
find_path(SQLITE_INCLUDE_DIR sqlite3.h REQUIRED)
find_library(SQLITE_LIBRARY sqlite3 REQUIRED)
mark_as_advanced(SQLITE_INCLUDE_DIR SQLITE_LIBRARY)
add_library(tidemill_sqlite INTERFACE)
target_include_directories(tidemill_sqlite SYSTEM INTERFACE
    $<BUILD_INTERFACE:${SQLITE_INCLUDE_DIR}>)
target_link_libraries(tidemill_sqlite INTERFACE "${SQLITE_LIBRARY}")

# As a target that an installed Tidemill can have: libraries of programs need it.
find_library(RE2_LIBRARY re2 REQUIRED)
add_library(tidemill_re2 INTERFACE)
target_link_libraries(tidemill_re2 INTERFACE "${RE2_LIBRARY}")

# The XXH3 functions are compiled into their callers.
find_path(XXHASH_INCLUDE_DIR xxhash.h REQUIRED)
add_library(tidemill_xxhash INTERFACE)
target_include_directories(tidemill_xxhash SYSTEM INTERFACE
    $<BUILD_INTERFACE:${XXHASH_INCLUDE_DIR}>)
target_compile_definitions(tidemill_xxhash INTERFACE XXH_INLINE_ALL)

# The parser comes from the shared library instead of being compiled here again.
add_library(tidemill_toml INTERFACE)
target_link_libraries(tidemill_toml INTERFACE tomlplusplus::tomlplusplus)
target_compile_definitions(tidemill_toml INTERFACE TOML_HEADER_ONLY=0)

if(TIDEMILL_BUILD_TESTS)
    find_package(GTest CONFIG REQUIRED)
    include(GoogleTest)
endif()
