# What libkq is made of, for the library itself and for patched copies of it (tests/mutants).
set(KQ_SOURCES kevent.cpp change.cpp pending.cpp scan.cpp waiters.cpp knote.cpp
               registration.cpp object.cpp
               descriptor_filter.cpp user_filter.cpp timer_filter.cpp empty_filter.cpp
               vnode_filter.cpp file_watch.cpp
               signal_filter.cpp signal_watch.cpp process_filter.cpp
               interpose_signals.cpp interpose_exec.cpp interpose_sockets.cpp
               descriptor_table.cpp close_protocol.cpp interpose.cpp user_memory.cpp)

set(KQ_OPTIONS -fvisibility=hidden -fno-rtti)
set(KQ_CONTROLLED_OPTIONS -fno-sanitize=all -fsanitize=thread)

function(kq_configure_library target)
  # File by file: a mutant is one file compiled again, and the objects of the others.
  set_target_properties(${target} PROPERTIES UNITY_BUILD OFF)
  get_target_property(kq_source_dir ${target} SOURCE_DIR)
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${kq_source_dir}/include>
                                              $<INSTALL_INTERFACE:include/kq>)
  target_compile_features(${target} PRIVATE cxx_std_20)
  target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
  target_compile_options(${target} PRIVATE ${KQ_OPTIONS})
  target_link_libraries(${target} PRIVATE Threads::Threads ${CMAKE_DL_LIBS})
endfunction()

# kq_instrument_for_schedules(<library>): compiled with what calls the runtime of src/sched, and put
# where programs with that runtime look for it.
function(kq_instrument_for_schedules target)
  target_compile_options(${target} PRIVATE ${KQ_CONTROLLED_OPTIONS})
  set_target_properties(${target} PROPERTIES
                        LIBRARY_OUTPUT_DIRECTORY ${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/controlled)
endfunction()
