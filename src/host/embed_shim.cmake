# cmake -DSCRIPT=... -DOUTPUT=... -P embed_shim.cmake : writes the script as a C++ source (see host/shim.h).
file(READ ${SCRIPT} text)
file(WRITE ${OUTPUT} "#include \"host/shim.h\"\n\nnamespace backout::host {\nstd::string_view shim_text() {\n  return R\"backout-shim(${text})backout-shim\";\n}\n}  // namespace backout::host\n")
