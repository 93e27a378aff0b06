# Fuzz targets for AFL++ (Debian: afl++), beside those for libFuzzer, with preset fuzz: where
# afl-fuzz and its runtime are installed, target `kq_afl_fuzzers` makes of each
#   bin/<name>_afl             the target, without sanitizers, driven by fuzz/afl_main.cpp
#   lib/afl/<name>_mutator.so  its mutator, if it has one, for AFL_CUSTOM_MUTATOR_LIBRARY
#   lib/afl/libkq.so           libkq, which says where an input has been, for AFL_PRELOAD
# clang's own instrumentation (trace-pc-guard) is what AFL++'s runtime listens to, so no compiler of
# AFL++'s is needed, and only what is under test is instrumented.
find_program(KQ_AFL_FUZZ afl-fuzz)
find_file(KQ_AFL_RUNTIME afl-compiler-rt.o PATHS /usr/lib/afl /usr/local/lib/afl
          DOC "AFL++'s runtime, which its compilers link")
set(KQ_AFL OFF)
if(KQ_FUZZ AND KQ_AFL_FUZZ AND KQ_AFL_RUNTIME)
  set(KQ_AFL ON)
  add_custom_target(kq_afl_fuzzers)
endif()

# kq_tells_afl(<target>): instrumented for AFL++, and nothing else.
function(kq_tells_afl target)
  target_compile_options(${target} PRIVATE -fno-sanitize=all -fsanitize-coverage=trace-pc-guard)
  target_link_options(${target} PRIVATE -fno-sanitize=all)
endfunction()

# kq_add_afl_fuzzer(<name> SOURCES ... [LINK ...] [GUIDING ...] [MUTATOR ...] [MUTATOR_LINK ...]
# [OWN_LIBKQ]):
# <name>_afl. GUIDING: sources that are under test. MUTATOR: those with the mutator. OWN_LIBKQ: the
# target knows where the emulator is; else it is lib/afl/libkq.so.
function(kq_add_afl_fuzzer name)
  if(NOT KQ_AFL)
    return()
  endif()
  cmake_parse_arguments(ARG "OWN_LIBKQ" "" "SOURCES;LINK;GUIDING;MUTATOR;MUTATOR_LINK" ${ARGN})
  add_executable(${name}_afl EXCLUDE_FROM_ALL ${ARG_SOURCES} afl_main.cpp)
  target_compile_options(${name}_afl PRIVATE -fno-sanitize=all)
  target_link_options(${name}_afl PRIVATE -fno-sanitize=all)
  if(NOT ARG_OWN_LIBKQ)
    target_compile_definitions(${name}_afl PRIVATE KQT_AFL_LIBKQ)
  endif()
  if(ARG_GUIDING)
    add_library(${name}_afl_guiding OBJECT EXCLUDE_FROM_ALL ${ARG_GUIDING})
    target_include_directories(${name}_afl_guiding PRIVATE ${PROJECT_SOURCE_DIR}/src)
    kq_tells_afl(${name}_afl_guiding)
    target_link_libraries(${name}_afl PRIVATE ${name}_afl_guiding)
  endif()
  target_link_libraries(${name}_afl PRIVATE ${ARG_LINK} ${KQ_AFL_RUNTIME} Threads::Threads)
  # Subjects, and libkq preloaded, resolve what was inserted against the program.
  set_target_properties(${name}_afl PROPERTIES ENABLE_EXPORTS ON UNITY_BUILD OFF)
  add_dependencies(kq_afl_fuzzers ${name}_afl)
  if(ARG_MUTATOR)
    add_library(${name}_mutator MODULE EXCLUDE_FROM_ALL ${ARG_MUTATOR} afl_mutator.cpp)
    target_compile_options(${name}_mutator PRIVATE -fno-sanitize=all)
    target_link_options(${name}_mutator PRIVATE -fno-sanitize=all)
    target_link_libraries(${name}_mutator PRIVATE ${ARG_MUTATOR_LINK} Threads::Threads)
    set_target_properties(${name}_mutator PROPERTIES
      PREFIX "" UNITY_BUILD OFF LIBRARY_OUTPUT_DIRECTORY ${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/afl)
    add_dependencies(kq_afl_fuzzers ${name}_mutator)
  endif()
endfunction()
