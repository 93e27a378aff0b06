# What `cmake --install` gives a user of libkq: the shared library with its SONAME, the header, a
# pkg-config file and a CMake package. The header goes to include/kq/sys/event.h and both packages
# point there, because a <sys/event.h> directly under include/ would tell every configure script on
# a Linux machine that the system has a kqueue.
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
