# Builds src/host/attempt.sh into the program: a generated source with the script's bytes as one raw string.
set(shim_source ${CMAKE_BINARY_DIR}/generated/attempt_shim.cc)
add_custom_command(
  OUTPUT ${shim_source}
  COMMAND ${CMAKE_COMMAND} -DSCRIPT=${CMAKE_CURRENT_LIST_DIR}/attempt.sh -DOUTPUT=${shim_source}
          -P ${CMAKE_CURRENT_LIST_DIR}/embed_shim.cmake
  DEPENDS ${CMAKE_CURRENT_LIST_DIR}/attempt.sh ${CMAKE_CURRENT_LIST_DIR}/embed_shim.cmake
  VERBATIM)
target_sources(backout_host PRIVATE ${shim_source})
