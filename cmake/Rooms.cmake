# SPDX-License-Identifier: Apache-2.0
#
# A room is a folder below src/: one static library, its unit tests, its fuzz targets.
# bowerbird_room(NAME [DEPS target...] [TEST_DEPS target...]) takes every .cc of the current folder:
#   *_test.cc  become one test program NAME_test
#   *_fuzz.cc  become one libFuzzer program each (preset fuzz)
#   the rest   the library bowerbird_NAME

add_library(bowerbird_flags INTERFACE)
target_compile_options(bowerbird_flags INTERFACE -Wall -Wextra -Wshadow -Wconversion -Werror)
target_include_directories(bowerbird_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)

# One function or variable a section, so that the linker can drop what nothing calls.
add_compile_options(-ffunction-sections -fdata-sections)
add_link_options(-Wl,--gc-sections)

if(BOWERBIRD_SANITIZE)
  # GCC takes the code that the sanitizers add for reads of what was never set.
  add_compile_options(-fsanitize=${BOWERBIRD_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  add_link_options(-fsanitize=${BOWERBIRD_SANITIZE})
  if(BOWERBIRD_SANITIZE MATCHES thread)
    # Asio's fences stand beside its mutexes, which are seen; GCC warns that the fences are not.
    add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
    add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-include${CMAKE_SOURCE_DIR}/cmake/thread_sanitizer.h>)
    add_library(bowerbird_sanitizer OBJECT ${CMAKE_SOURCE_DIR}/cmake/thread_sanitizer_grpc.cc)
    link_libraries(bowerbird_sanitizer)
  endif()
endif()

function(bowerbird_room name)
  cmake_parse_arguments(ROOM "" "" "DEPS;TEST_DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cc)
  set(tests ${sources})
  set(fuzzers ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_(test|fuzz)\\.cc$")

  if(sources)
    add_library(bowerbird_${name} STATIC ${sources})
    target_link_libraries(bowerbird_${name} PUBLIC bowerbird_flags ${ROOM_DEPS})
  else()
    add_library(bowerbird_${name} INTERFACE)
    target_link_libraries(bowerbird_${name} INTERFACE bowerbird_flags ${ROOM_DEPS})
  endif()

  if(tests AND BUILD_TESTING AND NOT BOWERBIRD_FUZZ)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE bowerbird_${name} ${ROOM_TEST_DEPS} GTest::gmock GTest::gtest_main)
    add_test(NAME ${name} COMMAND ${name}_test)
    set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 300
      SKIP_REGULAR_EXPRESSION "^$")
  endif()

  if(BOWERBIRD_FUZZ)
    # The library itself must be instrumented for coverage.
    if(sources)
      target_compile_options(bowerbird_${name} PRIVATE -fsanitize=fuzzer-no-link)
    endif()
    foreach(fuzzer ${fuzzers})
      get_filename_component(target ${fuzzer} NAME_WE)
      add_executable(${target} ${fuzzer})
      target_compile_options(${target} PRIVATE -fsanitize=fuzzer)
      target_link_options(${target} PRIVATE -fsanitize=fuzzer)
      target_link_libraries(${target} PRIVATE bowerbird_${name} ${ROOM_TEST_DEPS})
      set_property(GLOBAL APPEND PROPERTY BOWERBIRD_FUZZERS ${target})
    endforeach()
  endif()
endfunction()
