# Makes a fresh copy of the library's sources and applies one patch to it. No fuzz is allowed: a
# patch that has to guess where it belongs may plant another bug than its header says.
file(REMOVE_RECURSE ${COPY})
file(COPY ${SOURCE}/ DESTINATION ${COPY})
execute_process(
  COMMAND ${PATCH_PROGRAM} -p3 --fuzz=0 --no-backup-if-mismatch --batch -i ${PATCH}
  WORKING_DIRECTORY ${COPY} RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(failed)
  file(REMOVE_RECURSE ${COPY})
  message(FATAL_ERROR "the patch no longer applies, bring it up to date: ${PATCH}\n${output}")
endif()
# Newer than what they were made from, which copies are not.
file(GLOB copies ${COPY}/*.cpp ${COPY}/*.h)
file(TOUCH ${copies})
