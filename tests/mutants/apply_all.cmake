# Fails, and names every one, when patches no longer apply to the library's sources exactly.
file(GLOB_RECURSE patches ${PATCHES}/*.patch)
if(NOT patches)
  message(FATAL_ERROR "no patches in ${PATCHES}")
endif()
set(stale)
foreach(patch IN LISTS patches)
  execute_process(
    COMMAND ${PATCH_PROGRAM} -p3 --fuzz=0 --dry-run --batch --forward -i ${patch}
    WORKING_DIRECTORY ${SOURCE} RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
  # A hunk that moved is as exact as one that did not: its lines, and those around it, are the same.
  if(failed)
    string(APPEND stale "${patch}\n${output}")
  endif()
endforeach()
list(LENGTH patches count)
if(stale)
  message(FATAL_ERROR "of ${count} patches these no longer apply, bring them up to date:\n${stale}")
endif()
message(STATUS "${count} patches apply")
