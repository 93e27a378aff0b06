# Compiler flags, sanitizers and coverage, in one place, so that every preset means the same flags
# everywhere. Sanitizers are compiled into everything but linked into executables only: a shared
# object such as libkq.so then takes whatever runtime its executable exports (ThreadSanitizer's
# or, for controlled schedules, ours).
set(KQ_SANITIZE "" CACHE STRING "Sanitizers, comma separated: address,undefined or thread")
option(KQ_FUZZ "Build the fuzz targets with libFuzzer (clang only)" OFF)
set(KQ_LEAVE_OUT "" CACHE STRING
    "Rooms not to build, of fuzz, bench, tests, stress/webserver: what they need is not needed")
option(KQ_ONLY_FUZZERS "Nothing but the fuzz targets, for fuzzing services" OFF)
set(KQ_FUZZING_ENGINE "-fsanitize=fuzzer" CACHE STRING "What a fuzz target is linked with")
option(KQ_COVERAGE "Instrument for line coverage" OFF)
option(KQ_WERROR "Treat warnings as errors" OFF)

# Most of compiling a file is compiling what it includes: eight files as one take as long as two. So
# names in unnamed namespaces are unique within a target. Presets dev and coverage compile file by
# file, for editors and for counts; so does every system whose headers nobody has tried this with.
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  option(KQ_UNITY "Compile several files of a target as one" ON)
else()
  option(KQ_UNITY "Compile several files of a target as one" OFF)
endif()
set(CMAKE_UNITY_BUILD ${KQ_UNITY})

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()

# Findings name functions and lines; variables are for a debugger, which preset dev is for. Half the
# debug information is a quarter of the build time. The sanitizers ask for -O1, and get assertions;
# a fuzzer is about speed.
set(kq_optimized "-O2 -g1 -DNDEBUG")
if(KQ_FUZZ)
  set(kq_optimized "-O2 -g1")
elseif(KQ_SANITIZE)
  set(kq_optimized "-O1 -g1")
endif()
set(CMAKE_C_FLAGS_RELWITHDEBINFO ${kq_optimized})
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO ${kq_optimized})

find_program(KQ_CCACHE ccache)
if(KQ_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${KQ_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${KQ_CCACHE})
endif()

add_compile_options(-Wall -Wextra -Wshadow -fno-omit-frame-pointer)
if(KQ_WERROR)
  add_compile_options(-Werror)
endif()

set(kq_is_executable $<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>)
if(KQ_SANITIZE)
  add_compile_options(-fsanitize=${KQ_SANITIZE})
  add_link_options($<${kq_is_executable}:-fsanitize=${KQ_SANITIZE}>)
  if(KQ_SANITIZE MATCHES "undefined")
    # Whether an address is an object's it asks the kernel through a pipe: in a test that leaves no
    # descriptor free, any object may be accused.
    add_compile_options(-fno-sanitize-recover=undefined -fno-sanitize=vptr)
  endif()
endif()
if(KQ_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "KQ_FUZZ needs clang's libFuzzer; the replayers build with any compiler")
  endif()
  # Programs that are not fuzzers still need somebody to define the coverage callbacks.
  add_link_options($<${kq_is_executable}:-fsanitize=fuzzer-no-link>)
endif()
if(KQ_COVERAGE)
  # Threads count the same lines at the same time.
  add_compile_options(--coverage -O0 -fprofile-update=atomic)
  add_link_options(--coverage)
endif()

find_package(Threads REQUIRED)
