# cmake -DPAGE=page.html -DSCRIPT=uplot.js -DSTYLE=uplot.css -DOUT=page_html.cc -P embed_page.cmake:
# the page with its style and script in it, as an array of C++.
file(READ "${PAGE}" page)
file(READ "${SCRIPT}" script)
file(READ "${STYLE}" style)
string(REPLACE "/*{uplot.js}*/" "${script}" page "${page}")
string(REPLACE "/*{uplot.css}*/" "${style}" page "${page}")
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
