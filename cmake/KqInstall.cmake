# What `cmake --install` gives, by component. `libkq`: the shared library with its SONAME, the
# header, a pkg-config file, a CMake package and kq(3). `tools`: the programs, their manual pages,
# completions and litmus programs. The header goes to include/kq/sys/event.h and both packages
# point there, because a <sys/event.h> directly under include/ would tell every configure script
# on a Linux machine that the system has a kqueue.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(kq_include_dir ${CMAKE_INSTALL_INCLUDEDIR}/kq)
set(kq_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/kq)

set_target_properties(kq PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
install(TARGETS kq EXPORT kq_targets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT libkq
        INCLUDES DESTINATION ${kq_include_dir})
install(FILES ${PROJECT_SOURCE_DIR}/src/kqueue/include/sys/event.h
        DESTINATION ${kq_include_dir}/sys COMPONENT libkq)

install(EXPORT kq_targets NAMESPACE kq:: DESTINATION ${kq_package_dir} COMPONENT libkq)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/kq-config.cmake.in kq-config.cmake
                              INSTALL_DESTINATION ${kq_package_dir})
write_basic_package_version_file(kq-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/kq-config.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/kq-config-version.cmake
        DESTINATION ${kq_package_dir} COMPONENT libkq)

# ${pcfiledir} keeps the installed tree movable.
file(RELATIVE_PATH kq_prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${PROJECT_SOURCE_DIR}/cmake/kq.pc.in kq.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/kq.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT libkq)
install(FILES ${PROJECT_SOURCE_DIR}/docs/man/kq.3 DESTINATION ${CMAKE_INSTALL_MANDIR}/man3
        COMPONENT libkq)

# The programs look for each other beside themselves, and for the kqueues they bring in ../lib and
# for the litmus programs in ../corpus, as in a build directory. So they lie in a folder of their
# own, and what a person types is a link to it. The emulator there is a link to the installed
# libkq.
set(kq_home lib/kqtorture)
foreach(program IN ITEMS kqtorture kq_stress kq_sweep kq_explore kq_bench)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${kq_home}/bin COMPONENT tools)
  endif()
endforeach()
if(TARGET kq_controlled)
  install(TARGETS kq_controlled LIBRARY DESTINATION ${kq_home}/lib/controlled COMPONENT tools)
endif()
if(TARGET libkq_canary)
  install(TARGETS libkq_canary LIBRARY DESTINATION ${kq_home}/lib COMPONENT tools)
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/corpus/litmus
        DESTINATION ${CMAKE_INSTALL_DATADIR}/kqtorture/corpus COMPONENT tools)
foreach(page IN ITEMS kqtorture kq_stress kq_sweep)
  install(FILES ${PROJECT_SOURCE_DIR}/docs/man/${page}.1
          DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT tools)
endforeach()
set(kq_completion ${PROJECT_SOURCE_DIR}/src/cli/completion)
foreach(program IN ITEMS kqtorture kq_stress kq_sweep)
  install(FILES ${kq_completion}/kqtorture.bash RENAME ${program}
          DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT tools)
endforeach()
install(FILES ${kq_completion}/_kqtorture
        DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions COMPONENT tools)

# kq_install_link(FOLDER NAME TARGET): all three below the prefix; the link is relative, so that the
# tree stays movable.
function(kq_install_link folder name target)
  file(RELATIVE_PATH link /${folder} /${target})
  file(CREATE_LINK ${link} ${CMAKE_CURRENT_BINARY_DIR}/links/${folder}/${name} SYMBOLIC)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/links/${folder}/${name}
          DESTINATION ${folder} COMPONENT tools)
endfunction()
file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/links/${CMAKE_INSTALL_BINDIR}
                    ${CMAKE_CURRENT_BINARY_DIR}/links/${kq_home}/lib)
foreach(program IN ITEMS kqtorture kq_stress kq_sweep)
  kq_install_link(${CMAKE_INSTALL_BINDIR} ${program} ${kq_home}/bin/${program})
endforeach()
kq_install_link(${kq_home}/lib libkq.so
                ${CMAKE_INSTALL_LIBDIR}/libkq.so.${PROJECT_VERSION_MAJOR})
kq_install_link(${kq_home} corpus ${CMAKE_INSTALL_DATADIR}/kqtorture/corpus)
