# SPDX-License-Identifier: Apache-2.0
#
# Everything from outside, as imported targets. gRPC, protobuf and Abseil are linked statically where
# Debian ships the archives: it halves the start-up time (docs/architecture.md, "Linking").

find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(absl REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(CURL REQUIRED)
find_package(TensorFlowLiteC REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PostgreSQL REQUIRED)
find_package(EXPAT REQUIRED)
if(BUILD_TESTING)
  find_package(GTest REQUIRED)
  find_package(benchmark REQUIRED)
endif()
find_package(PkgConfig REQUIRED)

option(BOWERBIRD_STATIC "Link gRPC, protobuf, OpenCV and image codecs from their static archives" ON)

# bowerbird_archive(TARGET NAME... [NEEDS target...]): a target over lib<NAME>.a, or the shared one.
# Each archive depends on those named after it and on NEEDS: only so does CMake order the link line.
function(bowerbird_archive target)
  cmake_parse_arguments(ARCHIVE "" "" "NEEDS" ${ARGN})
  set(after ${ARCHIVE_NEEDS})
  list(REVERSE ARCHIVE_UNPARSED_ARGUMENTS)
  foreach(name ${ARCHIVE_UNPARSED_ARGUMENTS})
    unset(found CACHE)
    if(BOWERBIRD_STATIC)
      find_library(found NAMES lib${name}.a ${name} NO_CACHE)
    else()
      find_library(found NAMES ${name} NO_CACHE)
    endif()
    if(NOT found)
      message(FATAL_ERROR "lib${name} not found: run script/build, which installs what is missing")
    endif()
    add_library(${target}_${name} UNKNOWN IMPORTED GLOBAL)
    set_target_properties(${target}_${name} PROPERTIES
      IMPORTED_LOCATION ${found} INTERFACE_LINK_LIBRARIES "${after}")
    set(after ${target}_${name} ${after})
    unset(found)
  endforeach()
  add_library(${target} INTERFACE IMPORTED GLOBAL)
  target_link_libraries(${target} INTERFACE ${after})
endfunction()

bowerbird_archive(bowerbird::protobuf protobuf NEEDS ZLIB::ZLIB Threads::Threads)

bowerbird_archive(bowerbird::grpc_leaves re2 cares)
bowerbird_archive(bowerbird::grpc grpc++ grpc gpr upb address_sorting NEEDS
  bowerbird::protobuf bowerbird::grpc_leaves
  absl::any_invocable absl::base absl::bind_front absl::cleanup absl::cord absl::flat_hash_map
  absl::flat_hash_set absl::function_ref absl::hash absl::inlined_vector absl::memory absl::optional
  absl::random_random absl::span absl::status absl::statusor absl::str_format absl::strings
  absl::synchronization absl::time absl::variant
  OpenSSL::SSL OpenSSL::Crypto ZLIB::ZLIB Threads::Threads ${CMAKE_DL_LIBS})

bowerbird_archive(bowerbird::jpeg jpeg)
if(BOWERBIRD_SANITIZE OR BOWERBIRD_FUZZ)
  # Instrumented programs keep what nothing calls, and the archive calls a dozen libraries there.
  find_library(ARCHIVE_LIBRARY archive REQUIRED)
  add_library(bowerbird::libarchive INTERFACE IMPORTED GLOBAL)
  target_link_libraries(bowerbird::libarchive INTERFACE ${ARCHIVE_LIBRARY})
else()
  bowerbird_archive(bowerbird::libarchive archive NEEDS ZLIB::ZLIB)
endif()
bowerbird_archive(bowerbird::sqlite sqlite3 NEEDS Threads::Threads m ${CMAKE_DL_LIBS})
find_library(SPNG_LIBRARY spng REQUIRED)
add_library(bowerbird::spng INTERFACE IMPORTED GLOBAL)
target_link_libraries(bowerbird::spng INTERFACE ${SPNG_LIBRARY} ZLIB::ZLIB m)

find_path(OPENCV_INCLUDE_DIR opencv2/core.hpp PATH_SUFFIXES opencv4 REQUIRED)
add_library(bowerbird::opencv INTERFACE IMPORTED GLOBAL)
target_include_directories(bowerbird::opencv SYSTEM INTERFACE ${OPENCV_INCLUDE_DIR})
# The archives call a few libraries that OpenCV's runtime packages bring along without their
# development links, hence the names with versions. Linked so, a program starts 2.7 ms sooner.
find_library(OPENCV_LAPACK NAMES liblapack.so.3)
find_library(OPENCV_BLAS NAMES libblas.so.3)
find_library(OPENCV_TBB NAMES tbb libtbb.so.12)
find_library(OPENCV_GLX NAMES libGLX.so.0)
if(BOWERBIRD_STATIC AND OPENCV_LAPACK AND OPENCV_BLAS AND OPENCV_TBB AND OPENCV_GLX)
  bowerbird_archive(bowerbird::opencv_archives opencv_imgproc opencv_core)
  target_link_libraries(bowerbird::opencv INTERFACE bowerbird::opencv_archives ${OPENCV_LAPACK}
    ${OPENCV_BLAS} ${OPENCV_TBB} ${OPENCV_GLX} ZLIB::ZLIB Threads::Threads ${CMAKE_DL_LIBS})
else()
  find_library(OPENCV_CORE opencv_core REQUIRED)
  find_library(OPENCV_IMGPROC opencv_imgproc REQUIRED)
  target_link_libraries(bowerbird::opencv INTERFACE ${OPENCV_IMGPROC} ${OPENCV_CORE})
endif()

find_path(SAMPLERATE_INCLUDE_DIR samplerate.h REQUIRED)
find_library(SAMPLERATE_LIBRARY samplerate REQUIRED)
add_library(bowerbird::samplerate INTERFACE IMPORTED GLOBAL)
target_include_directories(bowerbird::samplerate SYSTEM INTERFACE ${SAMPLERATE_INCLUDE_DIR})
target_link_libraries(bowerbird::samplerate INTERFACE ${SAMPLERATE_LIBRARY})

find_path(BOOST_INCLUDE_DIR boost/beast.hpp REQUIRED)
add_library(bowerbird::beast INTERFACE IMPORTED GLOBAL)
target_include_directories(bowerbird::beast SYSTEM INTERFACE ${BOOST_INCLUDE_DIR})
target_compile_definitions(bowerbird::beast INTERFACE BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION)
target_link_libraries(bowerbird::beast INTERFACE OpenSSL::SSL OpenSSL::Crypto Threads::Threads)

find_library(PROMETHEUS_CORE prometheus-cpp-core REQUIRED)
add_library(bowerbird::prometheus INTERFACE IMPORTED GLOBAL)
target_link_libraries(bowerbird::prometheus INTERFACE ${PROMETHEUS_CORE})
