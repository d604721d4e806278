# cmake -DPAGE=page.html -DPARTS=FILE,FILE… -DOUT=page_html.cc -P embed_page.cmake: the page with its
# styles and scripts in it, each in the place that has its file's name, as an array of C++.
file(READ "${PAGE}" page)
string(REPLACE "," ";" parts "${PARTS}")
foreach(part IN LISTS parts)
    get_filename_component(name "${part}" NAME)
    file(READ "${part}" content)
    string(FIND "${page}" "/*{${name}}*/" place)
    if(place EQUAL -1)
        message(FATAL_ERROR "the page has no place for ${name}")
    endif()
    string(REPLACE "/*{${name}}*/" "${content}" page "${page}")
endforeach()
file(WRITE "${OUT}.html" "${page}")
file(READ "${OUT}.html" bytes HEX)
string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${bytes}")
file(WRITE "${OUT}"
    "#include <string_view>\n"
    "namespace tidemill::tools {\n"
    "std::string_view pageHtml() {\n"
    "    static constexpr char kBytes[] = {${bytes}};\n"
    "    return {kBytes, sizeof kBytes};\n"
    "}\n"
    "}  // namespace tidemill::tools\n")
