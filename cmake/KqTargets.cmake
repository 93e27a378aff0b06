# One helper per kind of target, so that adding a library, a test, a fuzzer, a race or a bench is
# a two-line change, and so that all of one kind are built, placed and registered with ctest alike.

# kq_add_library(<name> SOURCES ... [LINK ...]): a static library of one room of src/, included as
# "room/header.h". With KQ_FUZZ there is <name>_plain, too, without sanitizers, for the fuzzer that
# takes the place of pthreads and malloc itself.
function(kq_add_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${name} PUBLIC ${ARG_LINK} Threads::Threads)
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  if(KQ_FUZZ)
    add_library(${name}_plain STATIC EXCLUDE_FROM_ALL ${ARG_SOURCES})
    target_include_directories(${name}_plain PUBLIC ${PROJECT_SOURCE_DIR}/src)
    list(TRANSFORM ARG_LINK APPEND _plain REGEX "^kqt_")
    target_link_libraries(${name}_plain PUBLIC ${ARG_LINK} Threads::Threads)
    target_compile_options(${name}_plain PRIVATE -fno-sanitize=all)
    set_target_properties(${name}_plain PROPERTIES POSITION_INDEPENDENT_CODE ON)
  endif()
endfunction()

# kq_is_not_hot(<target>...): compiled without haste. The templates that read command lines and JSON
# are a quarter of a build when they are optimised, most of all under a sanitizer.
function(kq_is_not_hot)
  set(optimization -O1)
  if(KQ_SANITIZE)
    set(optimization -O0)
  endif()
  foreach(target IN LISTS ARGN)
    target_compile_options(${target} PRIVATE ${optimization})
  endforeach()
endfunction()

# kq_compile_alone(<file>...): sources of this folder whose names are others' too, for good reasons:
# not one with the other files of their target.
function(kq_compile_alone)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# kq_guides_fuzzers(<target> [EDGES]): with KQ_FUZZ, a fuzzer sees which code of <target> an input
# reaches. Only what is under test says anything: the harness around it, guided by as well, would
# fill the corpus with inputs that are new to itself, at half the speed. EDGES: not what is compared
# with what, which tells nothing where inputs are mutated as programs.
function(kq_guides_fuzzers target)
  if(KQ_FUZZ)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
    if("EDGES" IN_LIST ARGN)
      target_compile_options(${target} PRIVATE -fno-sanitize-coverage=trace-cmp)
    endif()
  endif()
endfunction()

# kq_use_test_headers(<target>): the precompiled headers of tests/CMakeLists.txt, if there are any.
function(kq_use_test_headers target)
  if(TARGET kqt_test_headers)
    target_precompile_headers(${target} REUSE_FROM kqt_test_headers)
  endif()
endfunction()

# kq_add_test(<name> SOURCES ... [LINK ...] [LABELS ...] [ENVIRONMENT ...] [TIMEOUT seconds]
#             [OWN_MAIN] [ONE_PROCESS]): a GoogleTest program. Every case becomes a ctest test,
# which shows as skipped when GTEST_SKIP() says so or the program exits with 77. OWN_MAIN: the
# sources have their main(). TIMEOUT only ends what hangs: no test may depend on it. ONE_PROCESS:
# cases leave nothing behind, so that under a sanitizer, where starting a process takes longest, all
# are one ctest test.
function(kq_add_test name)
  cmake_parse_arguments(ARG "OWN_MAIN;ONE_PROCESS" "TIMEOUT" "SOURCES;LINK;LABELS;ENVIRONMENT"
                        ${ARGN})
  find_package(GTest REQUIRED)
  include(GoogleTest)
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gtest GTest::gmock)
  if(NOT ARG_OWN_MAIN)
    target_link_libraries(${name} PRIVATE GTest::gtest_main)
  endif()
  kq_use_test_headers(${name})
  set(properties SKIP_RETURN_CODE 77)
  if(ARG_LABELS)
    list(APPEND properties LABELS "${ARG_LABELS}")
  endif()
  if(ARG_ENVIRONMENT)
    list(APPEND properties ENVIRONMENT "${ARG_ENVIRONMENT}")
  endif()
  if(ARG_TIMEOUT)
    list(APPEND properties TIMEOUT ${ARG_TIMEOUT})
  endif()
  if(ARG_ONE_PROCESS AND KQ_SANITIZE)
    add_test(NAME ${name} COMMAND ${name})
    # One by one: set_tests_properties() takes no lists.
    set_property(TEST ${name} PROPERTY SKIP_RETURN_CODE 77)
    foreach(property IN ITEMS LABELS ENVIRONMENT TIMEOUT)
      if(ARG_${property})
        set_property(TEST ${name} PROPERTY ${property} ${ARG_${property}})
      endif()
    endforeach()
    return()
  endif()
  gtest_discover_tests(${name} TEST_PREFIX ${name}. DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 120
                       PROPERTIES ${properties})
endfunction()

# kq_add_build_test(<name> <target> <fixture> <label>): a ctest test that builds what only the tests
# need that require the fixture, so that a plain build does not have to. One at a time: two programs
# that build in one directory spoil its log, and may both write one object file.
function(kq_add_build_test name target fixture label)
  add_test(NAME ${name} COMMAND ${CMAKE_COMMAND} --build ${CMAKE_BINARY_DIR} --target ${target})
  set_tests_properties(${name} PROPERTIES FIXTURES_SETUP ${fixture} LABELS ${label}
                       RESOURCE_LOCK build_directory)
endfunction()

# kq_add_fuzzer(<name> SOURCES ... [LINK ...] [REPLAY_SOURCES ...] [OWN_MAIN]): one fuzz target.
# With KQ_FUZZ the libFuzzer program bin/<name>; without it, bin/<name>_replay, which runs the files
# and directories it is given through the same code with any compiler, its main() coming from
# REPLAY_SOURCES, else from fuzz/replay_main.cpp. OWN_MAIN: SOURCES have a main() that calls
# LLVMFuzzerRunDriver (KQ_FUZZ only). <name>.dict and <name>.options beside the sources are copied
# beside the program, where libFuzzer's users and OSS-Fuzz look for them. ctest replays
# corpus/<name> and corpus/regressions/<name> in both builds, as <name>.corpus.
function(kq_add_fuzzer name)
  cmake_parse_arguments(ARG "OWN_MAIN" "" "SOURCES;LINK;REPLAY_SOURCES" ${ARGN})
  set(dirs)
  foreach(dir IN ITEMS corpus/${name} corpus/regressions/${name})
    if(IS_DIRECTORY ${PROJECT_SOURCE_DIR}/${dir})
      list(APPEND dirs ${PROJECT_SOURCE_DIR}/${dir})
    endif()
  endforeach()
  if(KQ_FUZZ)
    set(program ${name})
    add_executable(${program} ${ARG_SOURCES})
    target_compile_definitions(${program} PRIVATE KQT_LIBFUZZER)
    if(ARG_OWN_MAIN)
      kq_libfuzzer_without_main(library)
      target_link_libraries(${program} PRIVATE ${library})
    else()
      separate_arguments(engine UNIX_COMMAND "${KQ_FUZZING_ENGINE}")
      target_link_options(${program} PRIVATE ${engine})
    endif()
    # A subject loaded late resolves its coverage callbacks against the program.
    set_target_properties(${program} PROPERTIES ENABLE_EXPORTS ON)
    set(arguments -runs=0)
  else()
    set(program ${name}_replay)
    if(NOT ARG_REPLAY_SOURCES)
      set(ARG_REPLAY_SOURCES ${PROJECT_SOURCE_DIR}/fuzz/replay_main.cpp)
    endif()
    add_executable(${program} ${ARG_SOURCES} ${ARG_REPLAY_SOURCES})
    set(arguments)
  endif()
  target_link_libraries(${program} PRIVATE ${ARG_LINK} Threads::Threads)
  if(NOT TARGET kq_fuzzers)
    add_custom_target(kq_fuzzers) # all of them, for whoever only wants to fuzz
  endif()
  add_dependencies(kq_fuzzers ${program})
  # For scripts: what this build has, one name a line.
  set_property(GLOBAL APPEND PROPERTY KQ_FUZZERS ${name})
  get_property(all_fuzzers GLOBAL PROPERTY KQ_FUZZERS)
  list(JOIN all_fuzzers "\n" all_fuzzers)
  file(WRITE ${CMAKE_BINARY_DIR}/fuzzers.txt "${all_fuzzers}\n")
  kq_needs_the_emulator(${program})
  foreach(extension IN ITEMS dict options)
    set(file ${CMAKE_CURRENT_SOURCE_DIR}/${name}.${extension})
    if(EXISTS ${file})
      configure_file(${file} ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/${name}.${extension} COPYONLY)
    endif()
  endforeach()
  if(dirs)
    add_test(NAME ${name}.corpus COMMAND ${program} ${arguments} ${dirs})
    set_tests_properties(${name}.corpus PROPERTIES LABELS "fuzz" SKIP_RETURN_CODE 77)
  endif()
endfunction()

# libFuzzer without its main(), for fuzzers that must run code first (a supervisor, for one).
# Linking it needs the C++ library that it was built with, hence stdc++.
function(kq_libfuzzer_without_main out)
  set(file libclang_rt.fuzzer_no_main-${CMAKE_SYSTEM_PROCESSOR}.a)
  execute_process(
    COMMAND ${CMAKE_CXX_COMPILER} --print-file-name=${file}
    OUTPUT_VARIABLE library OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT EXISTS "${library}")
    message(FATAL_ERROR "${CMAKE_CXX_COMPILER} has no libclang_rt.fuzzer_no_main: "
                        "install the compiler-rt libraries of the same clang")
  endif()
  set(${out} ${library} stdc++ m PARENT_SCOPE)
endfunction()

# kq_add_stress(<race> SOURCES ... [LINK ...] [SMOKE arguments ...]): one race. All races are one
# program, bin/kq_stress, because a person runs and filters them together; the first call creates
# it. SMOKE: ctest runs `kq_stress arguments` as stress.<race>, so that a race nobody tortures with
# today still runs.
function(kq_add_stress race)
  kq_add_part(kq_stress stress ${race} ${ARGN})
endfunction()

# kq_add_bench(<question> SOURCES ... [LINK ...] [SMOKE arguments ...]): as kq_add_stress, for
# bin/kq_bench.
function(kq_add_bench question)
  kq_add_part(kq_bench bench ${question} ${ARGN})
endfunction()

function(kq_add_part program kind name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;SMOKE" ${ARGN})
  if(NOT TARGET ${program})
    add_executable(${program})
    target_link_libraries(${program} PRIVATE Threads::Threads)
    # A subject loaded late resolves what its compiler inserted against the program.
    set_target_properties(${program} PROPERTIES ENABLE_EXPORTS ON)
    kq_needs_the_emulator(${program})
  endif()
  target_sources(${program} PRIVATE ${ARG_SOURCES})
  target_link_libraries(${program} PRIVATE ${ARG_LINK})
  if(ARG_SMOKE)
    add_test(NAME ${kind}.${name} COMMAND ${program} ${ARG_SMOKE})
    set_tests_properties(${kind}.${name} PROPERTIES LABELS ${kind} SKIP_RETURN_CODE 77)
  endif()
endfunction()

# Programs find the default subject at run time; whoever builds one of them wants it there.
function(kq_needs_the_emulator program)
  if(TARGET kq)
    add_dependencies(${program} kq)
  endif()
endfunction()
