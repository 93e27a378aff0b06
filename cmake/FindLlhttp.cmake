# Finds llhttp, the HTTP parser of Node.js: as a library with a header (libllhttp-dev), or, where
# the distribution carries only its C sources (node-llhttp of Debian 12), as these, compiled here.
# Either way the target is Llhttp::llhttp.
find_path(Llhttp_INCLUDE_DIR llhttp.h PATH_SUFFIXES llhttp PATHS /usr/share/include)
find_library(Llhttp_LIBRARY llhttp)
find_path(Llhttp_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp NO_DEFAULT_PATH)

if(Llhttp_INCLUDE_DIR AND Llhttp_LIBRARY)
  set(Llhttp_USABLE ${Llhttp_LIBRARY})
elseif(Llhttp_INCLUDE_DIR AND Llhttp_SOURCE_DIR)
  set(Llhttp_USABLE ${Llhttp_SOURCE_DIR})
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  Llhttp REQUIRED_VARS Llhttp_USABLE Llhttp_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "install libllhttp-dev or, where there is none, node-llhttp")

if(Llhttp_FOUND AND NOT TARGET Llhttp::llhttp)
  if(Llhttp_LIBRARY)
    add_library(Llhttp::llhttp UNKNOWN IMPORTED)
    set_target_properties(Llhttp::llhttp PROPERTIES IMPORTED_LOCATION ${Llhttp_LIBRARY}
                          INTERFACE_INCLUDE_DIRECTORIES ${Llhttp_INCLUDE_DIR})
  else()
    add_library(llhttp_of_the_distribution STATIC ${Llhttp_SOURCE_DIR}/llhttp.c
                ${Llhttp_SOURCE_DIR}/api.c ${Llhttp_SOURCE_DIR}/http.c)
    target_include_directories(llhttp_of_the_distribution SYSTEM PUBLIC ${Llhttp_INCLUDE_DIR})
    target_compile_options(llhttp_of_the_distribution PRIVATE -w)
    set_target_properties(llhttp_of_the_distribution PROPERTIES UNITY_BUILD OFF)
    add_library(Llhttp::llhttp ALIAS llhttp_of_the_distribution)
  endif()
endif()
mark_as_advanced(Llhttp_INCLUDE_DIR Llhttp_LIBRARY Llhttp_SOURCE_DIR)
