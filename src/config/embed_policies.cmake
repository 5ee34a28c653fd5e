# cmake -DPOLICIES=a.yaml|b.yaml -DOUTPUT=... -P embed_policies.cmake : writes the shipped policies as a C++ source (see
# config/shipped.h).
string(REPLACE "|" ";" POLICIES "${POLICIES}")
set(source "#include \"config/shipped.h\"\n\nnamespace backout::config {\nnamespace {\nconstexpr ShippedPolicy kShipped[] = {\n")
foreach(file IN LISTS POLICIES)
  get_filename_component(name ${file} NAME_WE)
  file(READ ${file} text)
  string(APPEND source "{\"${name}\", R\"backout-policy(${text})backout-policy\"},\n")
endforeach()
string(APPEND source "};\n}  // namespace\n\nstd::span<const ShippedPolicy> shipped_policies() { return kShipped; }\n}  // namespace backout::config\n")
file(WRITE ${OUTPUT} "${source}")
