# SPDX-License-Identifier: Apache-2.0
#
# The TensorFlow Lite C library: target tflite::c.
# From TFLITE_C_ROOT (a folder with include/ and lib/), or from the npm package pinned in deps/.

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  set(_tflite_arch linux_amd64)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  set(_tflite_arch linux_arm64)
else()
  message(FATAL_ERROR "no TensorFlow Lite library for ${CMAKE_SYSTEM_PROCESSOR}; set TFLITE_C_ROOT to a build of it")
endif()

set(TFLITE_C_ROOT "" CACHE PATH "A build of the TensorFlow Lite C library: include/ and lib/")
if(TFLITE_C_ROOT)
  find_path(TFLITE_C_INCLUDE tensorflow/lite/c/c_api.h PATHS ${TFLITE_C_ROOT}/include NO_DEFAULT_PATH)
  find_library(TFLITE_C_LIBRARY tensorflowlite_c PATHS ${TFLITE_C_ROOT}/lib NO_DEFAULT_PATH)
else()
  set(_tflite_npm ${CMAKE_SOURCE_DIR}/deps/node_modules/tfjs-tflite-node/cc_deps)
  find_path(TFLITE_C_INCLUDE tensorflow/lite/c/c_api.h PATHS ${_tflite_npm}/include NO_DEFAULT_PATH)
  find_library(TFLITE_C_LIBRARY tensorflowlite_c PATHS ${_tflite_npm}/${_tflite_arch} NO_DEFAULT_PATH)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(TensorFlowLiteC
  REQUIRED_VARS TFLITE_C_LIBRARY TFLITE_C_INCLUDE
  REASON_FAILURE_MESSAGE "run: npm ci --prefix deps --ignore-scripts")

if(TensorFlowLiteC_FOUND AND NOT TARGET tflite::c)
  add_library(tflite::c SHARED IMPORTED GLOBAL)
  set_target_properties(tflite::c PROPERTIES
    IMPORTED_LOCATION ${TFLITE_C_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${TFLITE_C_INCLUDE})
endif()
