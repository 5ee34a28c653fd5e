# Builds src/config/policies/*.yaml into the program: a generated source with each file's bytes as a raw string.
file(GLOB policies CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/policies/*.yaml)
string(REPLACE ";" "|" policy_files "${policies}")
set(policies_source ${CMAKE_BINARY_DIR}/generated/shipped_policies.cc)
add_custom_command(
  OUTPUT ${policies_source}
  COMMAND ${CMAKE_COMMAND} "-DPOLICIES=${policy_files}" -DOUTPUT=${policies_source}
          -P ${CMAKE_CURRENT_LIST_DIR}/embed_policies.cmake
  DEPENDS ${policies} ${CMAKE_CURRENT_LIST_DIR}/embed_policies.cmake
  VERBATIM)
target_sources(backout_config PRIVATE ${policies_source})
